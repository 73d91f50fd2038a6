"""What goes on the wire of eBGP and iBGP sessions, in each of a route's three states."""

from dataclasses import replace

import pytest

from bgp_config.communities import GRACEFUL_SHUTDOWN, ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.config import Deprefer
from bgp_config.names import AdvertisementName
from speaker.attributes import Conflict, Intent
from speaker.attributes import path_attributes as attributes_by
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec
from tests.builders import advertisement, ip, session

LEAST_PREFERRED, LAST_RESORT = RouteState.LEAST_PREFERRED, RouteState.LAST_RESORT
EBGP = session()
IBGP = session(peer_asn=65000, local_asn=65000)
INTENT = Intent(
    communities=frozenset({StandardCommunity(65000, 2), StandardCommunity(65000, 1)}),
    large_communities=frozenset({LargeCommunity(65000, 1, 2)}),
    extended_communities=frozenset({ExtendedCommunity(2), ExtendedCommunity(1)}),
    local_pref=200,
    med=0,
)


def path_attributes(
    intent: Intent, state: RouteState, session: SessionSpec, deprefer: Deprefer | None = None
) -> PathAttributes | None:
    return attributes_by(intent, state, session, session.local_address, deprefer or Deprefer())


def test_ebgp_says_own_as_once_and_no_local_pref() -> None:
    attributes = path_attributes(INTENT, RouteState.NORMAL, EBGP)
    assert attributes is not None
    assert attributes.as_path == (64512,)
    assert attributes.local_pref is None
    assert attributes.next_hop == ip("10.1.1.1")
    assert attributes.communities == (StandardCommunity(65000, 1), StandardCommunity(65000, 2))
    assert attributes.large_communities == (LargeCommunity(65000, 1, 2),)
    assert attributes.extended_communities == (ExtendedCommunity(1), ExtendedCommunity(2))
    assert attributes.med == 0


def test_the_next_hop_is_what_is_given_and_med_goes_to_all() -> None:
    for session_ in (EBGP, IBGP):
        for state in (each for each in RouteState if each.is_announced):
            attributes = attributes_by(INTENT, state, session_, ip("fd00::1"), Deprefer())
            assert attributes is not None
            assert (attributes.next_hop, attributes.med) == (ip("fd00::1"), 0)


def test_the_own_as_is_prepended_as_often_as_asked_for_and_more_when_least_preferred() -> None:
    asked = replace(INTENT, prepends=2)
    lengths = {state: len(made.as_path) for state in RouteState if (made := path_attributes(asked, state, EBGP))}
    assert lengths == {RouteState.NORMAL: 3, RouteState.LEAST_PREFERRED: 9, RouteState.LAST_RESORT: 15}
    internal = path_attributes(asked, RouteState.NORMAL, IBGP)
    assert internal is not None
    assert internal.as_path == ()


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


@pytest.mark.parametrize(("state", "prepends"), [(RouteState.LEAST_PREFERRED, 6), (RouteState.LAST_RESORT, 12)])
def test_a_least_preferred_route_is_prepended_on_ebgp(state: RouteState, prepends: int) -> None:
    attributes = path_attributes(INTENT, state, EBGP)
    assert attributes is not None
    assert attributes.as_path == (64512,) * (1 + prepends)
    assert GRACEFUL_SHUTDOWN in attributes.communities


@pytest.mark.parametrize(("state", "local_pref"), [(RouteState.LEAST_PREFERRED, 1), (RouteState.LAST_RESORT, 0)])
def test_a_least_preferred_route_has_the_lowest_local_pref_on_ibgp(state: RouteState, local_pref: int) -> None:
    attributes = path_attributes(INTENT, state, IBGP)
    assert attributes is not None
    assert (attributes.as_path, attributes.local_pref) == ((), local_pref)
    assert GRACEFUL_SHUTDOWN in attributes.communities


def test_a_peer_may_say_how_it_hears_of_what_is_least_preferred_and_of_nothing_else() -> None:
    own = Deprefer(prepends=2, local_pref=50, communities=frozenset({StandardCommunity(65000, 3)}))
    assert path_attributes(INTENT, RouteState.NORMAL, EBGP, own) == path_attributes(INTENT, RouteState.NORMAL, EBGP)
    least, last = (path_attributes(INTENT, state, EBGP, own) for state in (LEAST_PREFERRED, LAST_RESORT))
    assert least is not None
    assert last is not None
    assert (len(least.as_path), len(last.as_path)) == (3, 5)
    assert least.communities == last.communities == tuple(StandardCommunity(65000, n) for n in (1, 2, 3))
    internal = [path_attributes(INTENT, state, IBGP, own) for state in (LEAST_PREFERRED, LAST_RESORT)]
    assert [made.local_pref for made in internal if made] == [50, 49]


def test_a_withdrawn_route_says_nothing() -> None:
    assert path_attributes(INTENT, RouteState.WITHDRAWN, EBGP) is None


def test_of_values_that_disagree_the_most_preferred_holds_and_both_objects_are_named() -> None:
    low = replace(advertisement("low"), local_pref=50, med=9, as_path_prepend=3)
    high = replace(advertisement("high"), local_pref=60, med=7, as_path_prepend=0)
    for order in ([low, advertisement(), high], [high, low, advertisement()]):
        union = Intent.union(order)
        assert (union.local_pref, union.med, union.prepends) == (60, 7, 0)
        names = (AdvertisementName("high"), AdvertisementName("low"))
        assert union.conflicts == {
            Conflict("localPref", names, 60),
            Conflict("med", names, 7),
            Conflict("asPathPrepend", names, 0),
        }
    assert str(Conflict("med", names, 7)) == "high, low disagree about med where they overlap: 7 is used"


def test_values_that_agree_or_stand_alone_are_no_conflict() -> None:
    one, other = replace(advertisement("one"), med=7), replace(advertisement("other"), med=7, local_pref=9)
    assert Intent.union([one, other, advertisement()]) == Intent(med=7, local_pref=9)
    assert Intent.union([advertisement()]) == Intent()


def test_communities_add_up() -> None:
    first = replace(advertisement("a"), communities=frozenset({StandardCommunity(1, 1)}))
    second = replace(advertisement("b"), extended_communities=frozenset({ExtendedCommunity(7)}))
    third = replace(advertisement("c"), large_communities=frozenset({LargeCommunity(1, 2, 3)}))
    union = Intent.union([first, second, third])
    assert (union.communities, union.large_communities) == (first.communities, third.large_communities)
    assert union.extended_communities == second.extended_communities
