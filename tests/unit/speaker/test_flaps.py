"""The hold-down: it grows with each withdrawal for want of an endpoint, and decays in quiet times."""

import pytest

from herald.kube.objects import ObjectKey
from speaker.flaps import Flaps
from speaker.hold_down import HOLD_S, QUIET_S
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.transition import Transition
from tests.builders import ip

KEY, VIP = ObjectKey("default", "web"), ip("198.51.100.7")
CLAIM = (KEY, VIP)


def to(reason: Reason | None, state: RouteState | None = None) -> list[Transition]:
    state = state or (RouteState.WITHDRAWN if reason else RouteState.NORMAL)
    return [Transition(service=KEY, vip=VIP, state=state, reason=reason)]


UP, DOWN, HELD = to(None), to(Reason.NO_LOCAL_ENDPOINT), to(Reason.FLAPPING)
ENDING = to(Reason.TERMINATING, RouteState.LEAST_PREFERRED)


class Endpoint:
    """Of a VIP that comes and goes; as the core decides with what is held."""

    def __init__(self) -> None:
        self.flaps, self.now, self.is_held = Flaps(), 1000.0, False

    def fail(self) -> None:
        self.is_held = bool(self.flaps.note(DOWN, self.now)) or self.is_held

    def recover(self) -> float:
        """How long its announcement waits."""
        begun = self.now
        if self.is_held:
            assert self.flaps.note(HELD, self.now) == []
            while not self.flaps.release(self.now):
                self.now += 0.5
                assert self.now - begun < 100
            self.is_held = False
        self.flaps.note(UP, self.now)
        return self.now - begun


def test_the_hold_down_is_0_1_2_4_and_so_on_to_60_seconds() -> None:
    endpoint = Endpoint()
    endpoint.recover()
    waits = []
    for _ in range(9):
        endpoint.fail()
        waits.append(endpoint.recover())
    assert waits[:8] == list(HOLD_S) == [0, 1, 2, 4, 8, 16, 32, 60]
    assert waits[8] <= 60


def test_an_endpoint_that_ended_as_planned_did_not_flap() -> None:
    endpoint = Endpoint()
    for _ in range(5):
        assert endpoint.recover() == 0
        endpoint.flaps.note(ENDING, endpoint.now)
        endpoint.fail()
    assert endpoint.flaps.size == 0
    endpoint.recover()
    endpoint.fail()
    assert endpoint.flaps.size == 1


def test_quiet_times_undo_it_level_by_level_and_the_history_is_forgotten() -> None:
    endpoint = Endpoint()
    endpoint.recover()
    for _ in range(4):
        endpoint.fail()
        endpoint.recover()
    endpoint.now += 2 * QUIET_S
    endpoint.fail()
    assert endpoint.recover() == 2
    assert endpoint.flaps.size == 1
    assert endpoint.flaps.release(endpoint.now + 10 * QUIET_S) == []
    assert endpoint.flaps.size == 0
    endpoint.now += 10 * QUIET_S
    endpoint.fail()
    assert endpoint.recover() == 0


def test_what_turns_unready_again_while_it_waits_waits_anew_but_is_no_further_flap() -> None:
    endpoint = Endpoint()
    endpoint.recover()
    for _ in range(3):
        endpoint.fail()
        endpoint.recover()
    endpoint.fail()
    flaps = endpoint.flaps
    flaps.note(HELD, endpoint.now)
    endpoint.now += 3.5
    assert flaps.note(DOWN, endpoint.now) == []
    assert flaps.release(endpoint.now + 1) == []
    flaps.note(HELD, endpoint.now)
    assert flaps.release(endpoint.now + 3.5) == []
    assert flaps.release(endpoint.now + 4) == [CLAIM]


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT, Reason.FLAPPING}))
def test_only_endpoints_that_go_count(reason: Reason) -> None:
    flaps = Flaps()
    for _ in range(5):
        flaps.note(UP, 0)
        assert flaps.note(to(reason), 0) == []
    assert flaps.size == 0


def test_what_never_was_announced_does_not_flap() -> None:
    flaps = Flaps()
    assert [flaps.note(DOWN, 0), flaps.note(DOWN, 0), flaps.size] == [[], [], 0]
