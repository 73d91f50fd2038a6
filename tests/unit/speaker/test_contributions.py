"""What is said of a prefix for all its VIPs together."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.names import IPAddress, PeerName
from speaker.attributes import Intent
from speaker.contributions import Contribution, Contributions
from speaker.route import RouteState
from tests.builders import ip

AGGREGATE, OTHER = ip_network("198.51.100.0/24"), ip_network("198.51.100.0/25")
TOR1, TOR2 = PeerName("tor1"), PeerName("tor2")
A, B = ip("198.51.100.1"), ip("198.51.100.2")


def of(peer: PeerName = TOR1, state: RouteState = RouteState.NORMAL, **intent: int) -> Contribution:
    return Contribution(AGGREGATE, peer, state, Intent(**intent))  # type: ignore[arg-type]


def test_an_aggregate_is_there_from_its_first_vip_to_its_last() -> None:
    made = Contributions()
    assert made.of(AGGREGATE) == {}
    assert made.set(A, [of()]) == {AGGREGATE}
    made.set(B, [of()])
    made.set(A, [])
    assert made.of(AGGREGATE) == {TOR1: (RouteState.NORMAL, Intent())}
    assert made.set(B, []) == {AGGREGATE}
    assert made.of(AGGREGATE) == {}
    assert list(made.prefixes) == []


def test_it_is_as_good_as_the_best_of_its_vips_and_says_what_those_ask_for() -> None:
    made = Contributions()
    made.set(A, [of(state=RouteState.LEAST_PREFERRED, med=1)])
    made.set(B, [of(med=7), of(TOR2, med=3)])
    assert made.of(AGGREGATE) == {TOR1: (RouteState.NORMAL, Intent(med=7)), TOR2: (RouteState.NORMAL, Intent(med=3))}
    made.set(A, [of(local_pref=9)])
    assert made.of(AGGREGATE)[TOR1] == (RouteState.NORMAL, Intent(med=7, local_pref=9))


CONTRIBUTION = st.builds(
    Contribution,
    st.sampled_from([AGGREGATE, OTHER]),
    st.sampled_from([TOR1, TOR2]),
    st.sampled_from([RouteState.NORMAL, RouteState.LEAST_PREFERRED]),
    st.builds(Intent, med=st.integers(0, 2)),
)
CHANGE = st.tuples(st.sampled_from([A, B, ip("198.51.100.3")]), st.lists(CONTRIBUTION, max_size=3, unique=True))


@given(st.lists(CHANGE, max_size=10))
def test_what_is_said_depends_on_the_last_word_of_each_vip_only(changes: list[tuple[IPAddress, list[Contribution]]]) -> None:
    made, again = Contributions(), Contributions()
    for vip, contributions in changes:
        made.set(vip, contributions)
    for vip, contributions in dict(changes).items():
        again.set(vip, contributions)
    for prefix in (AGGREGATE, OTHER):
        assert made.of(prefix) == again.of(prefix)
    assert set(made.prefixes) == set(again.prefixes)
