"""What goes on the wire of eBGP and iBGP sessions, in each of a route's three states."""

from dataclasses import replace

from bgp_config.communities import GRACEFUL_SHUTDOWN, LargeCommunity, StandardCommunity
from speaker.attributes import Intent, path_attributes
from speaker.route import RouteState
from tests.builders import advertisement, ip, session

EBGP = session()
IBGP = session(peer_asn=65000, local_asn=65000)
INTENT = Intent(
    communities=frozenset({StandardCommunity(65000, 2), StandardCommunity(65000, 1)}),
    large_communities=frozenset({LargeCommunity(65000, 1, 2)}),
    local_pref=200,
)


def test_ebgp_says_own_as_once_and_no_local_pref() -> None:
    attributes = path_attributes(INTENT, RouteState.NORMAL, EBGP)
    assert attributes is not None
    assert attributes.as_path == (64512,)
    assert attributes.local_pref is None
    assert attributes.next_hop == ip("10.1.1.1")
    assert attributes.communities == (StandardCommunity(65000, 1), StandardCommunity(65000, 2))
    assert attributes.large_communities == (LargeCommunity(65000, 1, 2),)


def test_ibgp_says_local_pref_and_never_its_own_as() -> None:
    attributes = path_attributes(INTENT, RouteState.NORMAL, IBGP)
    assert attributes is not None
    assert (attributes.as_path, attributes.local_pref) == ((), 200)


def test_ibgp_has_the_usual_local_pref_when_none_is_asked_for() -> None:
    plain = path_attributes(Intent(), RouteState.NORMAL, IBGP)
    zero = path_attributes(Intent(local_pref=0), RouteState.NORMAL, IBGP)
    assert plain is not None
    assert zero is not None
    assert (plain.local_pref, zero.local_pref) == (100, 0)


def test_a_least_preferred_route_is_prepended_on_ebgp() -> None:
    attributes = path_attributes(INTENT, RouteState.LEAST_PREFERRED, EBGP)
    assert attributes is not None
    assert attributes.as_path == (64512,) * 7
    assert GRACEFUL_SHUTDOWN in attributes.communities


def test_a_least_preferred_route_has_local_pref_one_on_ibgp() -> None:
    attributes = path_attributes(INTENT, RouteState.LEAST_PREFERRED, IBGP)
    assert attributes is not None
    assert (attributes.as_path, attributes.local_pref) == ((), 1)
    assert GRACEFUL_SHUTDOWN in attributes.communities


def test_a_withdrawn_route_says_nothing() -> None:
    assert path_attributes(INTENT, RouteState.WITHDRAWN, EBGP) is None


def test_the_union_takes_the_highest_local_pref() -> None:
    low, high = replace(advertisement("low"), local_pref=50), replace(advertisement("high"), local_pref=60)
    assert Intent.union([low, advertisement(), high]).local_pref == 60
    assert Intent.union([advertisement()]).local_pref is None
