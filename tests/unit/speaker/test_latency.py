"""Where the time of a change goes: each route's own time, the gate's apart, nothing measured that no change caused."""

from ipaddress import ip_network

from herald.kube.objects import ObjectKey
from speaker.latency import BOUNDS_S, Direction, Latency, Observations, Origin, Part
from speaker.reasons import Reason
from speaker.route import PathAttributes, RouteState
from speaker.transition import Transition
from tests.builders import ip, session

TOR1, TOR2 = session(), session("10.2.1.0", "10.2.1.1")
WEB = ObjectKey("default", "web")
VIP = ip_network("198.51.100.7/32")
OTHER = ip_network("198.51.100.8/32")
ROUTE = PathAttributes(next_hop=ip("10.1.1.1"))


def seen(observations: Observations) -> tuple[int, float]:
    return sum(observations.counts), round(observations.total, 6)


def transition(state: RouteState, reason: Reason | None) -> Transition:
    return Transition(service=WEB, vip=ip("198.51.100.7"), state=state, reason=reason)


def test_a_withdrawal_takes_from_the_post_to_the_wire_for_each_session_that_had_the_route() -> None:
    latency = Latency()
    latency.began(Origin(posted=10.0, taken=10.001))
    latency.decided([transition(RouteState.WITHDRAWN, Reason.NO_LOCAL_ENDPOINT)], 10.0015)
    latency.told(TOR1, {VIP: None}, 10.002)
    latency.told(TOR2, {VIP: None}, 10.002)
    latency.programmed(TOR1, VIP, None, 10.004)
    latency.programmed(TOR2, VIP, None, 10.005)
    assert seen(latency.changes[Direction.WITHDRAW]) == (2, 0.009)
    assert seen(latency.changes[Direction.ANNOUNCE]) == (0, 0)
    assert seen(latency.parts[Part.WATCH]) == (2, 0.002)
    assert seen(latency.parts[Part.DECIDE]) == (2, 0.002)
    assert seen(latency.parts[Part.WIRE]) == (2, 0.005)


def test_an_announcement_that_waits_counts_from_its_own_change_and_its_wait_is_the_gates() -> None:
    latency = Latency()
    latency.began(Origin(posted=10.0, taken=10.0))
    latency.decided([transition(RouteState.WITHDRAWN, Reason.DATA_PATH_PENDING)], 10.0)
    latency.began(None)  # the data path answered
    latency.decided([transition(RouteState.NORMAL, None)], 11.5)
    latency.told(TOR1, {VIP: ROUTE}, 11.5)
    latency.programmed(TOR1, VIP, ROUTE, 11.75)
    assert seen(latency.parts[Part.GATE]) == (1, 1.5)
    assert seen(latency.changes[Direction.ANNOUNCE]) == (1, 1.75)


def test_a_wait_that_ends_in_no_announcement_is_not_the_gates() -> None:
    latency = Latency()
    latency.began(Origin(posted=10.0, taken=10.0))
    latency.decided([transition(RouteState.WITHDRAWN, Reason.DATA_PATH_PENDING)], 10.0)
    latency.decided([transition(RouteState.WITHDRAWN, Reason.NO_ENDPOINT)], 11.0)
    assert seen(latency.parts[Part.GATE]) == (0, 0)


def test_the_last_word_about_a_route_is_what_is_measured() -> None:
    latency = Latency()
    latency.began(Origin(posted=10.0, taken=10.0))
    latency.told(TOR1, {VIP: None}, 10.0)
    latency.began(Origin(posted=20.0, taken=20.0))
    latency.told(TOR1, {VIP: ROUTE}, 20.0)
    latency.programmed(TOR1, VIP, None, 20.5)
    latency.programmed(TOR1, VIP, ROUTE, 21.0)
    assert seen(latency.changes[Direction.WITHDRAW]) == (0, 0)
    assert seen(latency.changes[Direction.ANNOUNCE]) == (1, 1.0)


def test_nothing_is_measured_of_a_turn_without_a_change_nor_of_a_session_that_was_lost() -> None:
    latency = Latency()
    latency.began(None)
    latency.told(TOR1, {VIP: ROUTE}, 10.0)
    latency.began(Origin(posted=11.0, taken=11.0))
    latency.told(TOR1, {OTHER: ROUTE}, 11.0)
    latency.lost(TOR1)
    latency.programmed(TOR1, VIP, ROUTE, 12.0)
    latency.programmed(TOR1, OTHER, ROUTE, 12.0)
    assert seen(latency.changes[Direction.ANNOUNCE]) == (0, 0)


def test_an_observation_is_counted_in_the_smallest_bucket_that_holds_it() -> None:
    observations = Observations()
    for seconds in (BOUNDS_S[0], BOUNDS_S[1], 1000.0):
        observations.add(seconds)
    assert [n for n, count in enumerate(observations.counts) if count] == [0, 1, len(BOUNDS_S)]
