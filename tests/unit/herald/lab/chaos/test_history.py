"""What a route and a session must be, by what was done to their place and when."""

from dataclasses import replace

import pytest

from herald.lab.chaos.faults import DETECTION_S, DRAIN_S, EFFECTS, NOISE_S, Fault, FaultKind, Place
from herald.lab.chaos.history import History, Stand, Step

HERE = Place(tor="tor1", node="node1", service="web")
ELSEWHERE = (
    Place(tor="tor1", node="node2", service="web"),
    Place(tor="tor1", node="node1", service="db"),
)
FLAP = Place(node="node1", service="web")
PORT = Place(tor="tor1", node="node1")
NODE = Place(node="node1")


def fault(kind: FaultKind, place: Place, at: float = 0.0) -> Fault:
    return Fault(at=at, for_s=1.0, kind=kind, place=place)


def lasting(kind: FaultKind, place: Place, begun: float) -> History:
    """Done a second after its beginning, and not yet undone."""
    what = fault(kind, place)
    return History().begin(what, begun).done(what, begun + 1)


def past(kind: FaultKind, place: Place, begun: float, over: float) -> History:
    what = fault(kind, place)
    return lasting(kind, place, begun).undoing(what, over - 1).over(what, over)


def both(one: History, other: History) -> History:
    return History((*one.happened, *other.happened))


def test_where_nothing_happened_the_route_is_required() -> None:
    assert History().stand(HERE, 0) is Stand.REQUIRED


def test_an_endpoint_that_failed_must_have_no_route_once_its_bound_is_over() -> None:
    history = lasting(FaultKind.ENDPOINT_FLAP, FLAP, begun=100)
    bound = 101 + EFFECTS[FaultKind.ENDPOINT_FLAP].gone_s + NOISE_S
    assert [history.stand(HERE, at) for at in (100, bound, bound + 0.1)] == [Stand.ANY, Stand.ANY, Stand.FORBIDDEN]
    assert {history.stand(place, bound + 10) for place in ELSEWHERE} == {Stand.REQUIRED}


def test_it_may_come_back_from_when_it_begins_to_be_well_and_must_when_its_bound_is_over() -> None:
    history = past(FaultKind.ENDPOINT_FLAP, FLAP, begun=100, over=110)
    bound = 110 + EFFECTS[FaultKind.ENDPOINT_FLAP].back_s + NOISE_S
    assert history.stand(HERE, 108.9) is Stand.FORBIDDEN
    assert history.stand(HERE, 109) is Stand.ANY
    assert [history.stand(HERE, at) for at in (bound, bound + 0.1)] == [Stand.ANY, Stand.REQUIRED]


def test_what_fails_again_and_again_may_come_back_ever_later() -> None:
    def after(times: int) -> float:
        """How long until it must be back."""
        history = History()
        for number in range(times):
            what = fault(FaultKind.ENDPOINT_FLAP, FLAP, at=number)
            begun = 100.0 + 10 * number
            history = history.begin(what, begun).done(what, begun).undoing(what, begun + 5).over(what, begun + 5)
        end = 100.0 + 10 * (times - 1) + 5
        return next(s / 10 for s in range(2000) if history.stand(HERE, end + s / 10) is Stand.REQUIRED)

    waits = [after(times) for times in range(1, 9)]
    assert [round(wait - waits[0]) for wait in waits] == [0, 1, 2, 4, 8, 16, 32, 60]


def test_a_silent_node_may_have_its_route_until_bfd_finds_it() -> None:
    history = lasting(FaultKind.SILENCE, NODE, begun=100)
    assert history.stand(HERE, 101 + DETECTION_S + NOISE_S) is Stand.ANY
    assert history.stand(HERE, 101.1 + DETECTION_S + NOISE_S) is Stand.FORBIDDEN


@pytest.mark.parametrize("kind", [FaultKind.SPEAKER_STOP, FaultKind.EXABGP_STOP, FaultKind.SPEAKER_KILL])
def test_a_route_may_stay_as_long_as_the_tor_hears_of_nothing(kind: FaultKind) -> None:
    flap = lasting(FaultKind.ENDPOINT_FLAP, FLAP, begun=100)
    assert flap.stand(HERE, 105) is Stand.FORBIDDEN
    deaf = both(lasting(kind, NODE, begun=99), flap)
    assert deaf.stand(HERE, 105) is Stand.ANY
    assert deaf.stand(HERE, 99 + EFFECTS[kind].deaf_s + 5) is Stand.FORBIDDEN


def test_a_tor_that_restarts_gracefully_must_keep_the_routes_of_a_killed_speaker() -> None:
    killed = lasting(FaultKind.SPEAKER_KILL, NODE, begun=100)
    assert replace(killed, graceful=frozenset({"tor1"})).stand(HERE, 105) is Stand.REQUIRED
    assert replace(killed, graceful=frozenset({"tor2"})).stand(HERE, 105) is Stand.ANY


def test_it_need_not_when_the_link_failed_too() -> None:
    both_at_once = both(lasting(FaultKind.SPEAKER_KILL, NODE, begun=100), past(FaultKind.LINK_CUT, PORT, 101, 104))
    assert replace(both_at_once, graceful=frozenset({"tor1"})).stand(HERE, 120) is Stand.ANY


def test_a_link_that_failed_again_within_a_minute_may_be_held_down_for_another() -> None:
    def after(times: int) -> tuple[Stand, bool]:
        """A while after the last of them: the route, and whether the session may end."""
        history = History()
        for number in range(times):
            what = fault(FaultKind.LINK_CUT, PORT, at=number)
            begun = 100.0 + 20 * number
            history = history.begin(what, begun).done(what, begun).undoing(what, begun + 5).over(what, begun + 5)
        now = 100.0 + 20 * (times - 1) + 30
        return history.stand(HERE, now), history.may_reset("tor1", "node1", now - 1, now)

    assert [after(times) for times in (1, 2, 3)] == [(Stand.REQUIRED, False), (Stand.ANY, True), (Stand.ANY, True)]


def test_a_drain_goes_by_its_steps() -> None:
    history = lasting(FaultKind.DRAIN, NODE, begun=100)
    assert [history.drain_step(HERE, at) for at in (103, 104.5, 106.5)] == [None, Step.LEAST_PREFERRED, None]
    end = 101 + DRAIN_S + 1 + NOISE_S
    assert history.drain_step(HERE, end + 0.1) is Step.WITHDRAWN
    assert history.drain_step(Place(tor="tor1", node="node2", service="web"), end + 0.1) is None
    assert history.stand(HERE, end + 0.1) is Stand.FORBIDDEN


def test_of_a_drain_with_something_else_nothing_is_said_but_that_it_has_no_traffic_in_the_end() -> None:
    history = both(lasting(FaultKind.DRAIN, NODE, begun=100), lasting(FaultKind.SPEAKER_KILL, NODE, begun=102))
    assert [history.drain_step(HERE, at) for at in (105, 120)] == [None, None]
    assert history.stand(HERE, 200) is Stand.FORBIDDEN


def test_a_killed_speaker_is_no_reason_to_keep_or_to_miss_the_routes_of_other_nodes() -> None:
    history = lasting(FaultKind.SPEAKER_KILL, NODE, begun=100)
    assert history.stand(HERE, 200) is Stand.ANY
    assert history.stand(ELSEWHERE[0], 200) is Stand.REQUIRED


@pytest.mark.parametrize(
    "kind", [FaultKind.CONTROLLER_KILL, FaultKind.CONTROLLER_STOP, FaultKind.SOURCE_OUTAGE, FaultKind.CLOCK_STEP]
)
def test_what_concerns_no_route_excuses_none_and_no_reset(kind: FaultKind) -> None:
    history = lasting(kind, Place(), begun=100)
    assert history.stand(HERE, 100.5) is Stand.REQUIRED
    assert not history.may_reset("tor1", "node1", 100, 102)


def test_a_session_may_end_only_by_what_strikes_it() -> None:
    history = past(FaultKind.LINK_CUT, PORT, begun=100, over=105)
    settled = 105 + EFFECTS[FaultKind.LINK_CUT].back_s + NOISE_S
    assert history.may_reset("tor1", "node1", 99, 100)
    assert history.may_reset("tor1", "node1", settled, settled + 1)
    assert not history.may_reset("tor1", "node1", 98, 99)
    assert not history.may_reset("tor1", "node1", settled + 0.1, settled + 1)
    assert not history.may_reset("tor2", "node1", 100, 101)
    assert not history.may_reset("tor1", "node2", 100, 101)


def test_the_route_of_a_service_that_went_may_linger_only_where_the_tor_heard_of_nothing() -> None:
    went = past(FaultKind.SERVICE, Place(service="passing"), begun=100, over=110)
    settled = 110 + EFFECTS[FaultKind.SERVICE].back_s + NOISE_S
    assert [went.may_linger("tor1", "node1", at) for at in (105, settled, settled + 0.1)] == [True, True, False]
    deaf = both(went, lasting(FaultKind.SPEAKER_KILL, NODE, begun=109))
    assert deaf.may_linger("tor1", "node1", settled + 5)
    assert not deaf.may_linger("tor1", "node2", settled + 5)


def test_an_endpoint_that_fails_resets_no_session() -> None:
    assert not lasting(FaultKind.ENDPOINT_FLAP, FLAP, begun=100).may_reset("tor1", "node1", 99, 105)


def test_what_is_long_over_is_forgotten_and_what_lasts_is_not() -> None:
    long_ago = past(FaultKind.LINK_CUT, PORT, begun=0, over=10)
    lasts = lasting(FaultKind.SILENCE, NODE, begun=0)
    kept = both(long_ago, lasts).begin(fault(FaultKind.LINK_CUT, PORT, at=9), 1000).happened
    assert [h.fault.kind for h in kept] == [FaultKind.SILENCE, FaultKind.LINK_CUT]
    assert [h.begun for h in kept] == [0, 1000]
