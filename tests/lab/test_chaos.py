"""Herald bears the chaos of one seed; and with each of these bugs put in, a fault or two show it."""

from dataclasses import replace

import pytest

from herald.lab.chaos.faults import Fault, FaultKind, Place
from herald.lab.chaos.growth import Windows
from herald.lab.chaos.observation import Invariant
from herald.lab.chaos.play import BrokenError, Chaos
from herald.lab.chaos.schedule import PASSING, schedule
from herald.lab.chaos.stage import chaos_lab
from tests.lab.chaos.bugs import Bug

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

SEED = 1
NODE = Place(node="node1")
WEB_THERE = Place(node="node1", service="web")
SOON = Windows(warm_up_s=2, window_s=4)

SHOWN_BY: dict[Bug, tuple[Fault, ...]] = {
    Bug.LOST_WITHDRAW: (Fault(at=1, for_s=6, kind=FaultKind.ENDPOINT_FLAP, place=WEB_THERE),),
    Bug.VIP_TWICE: (Fault(at=1, for_s=4, kind=FaultKind.SERVICE, place=Place(service=PASSING)),),
    Bug.STALE_ROUTE: (
        Fault(at=1, for_s=2, kind=FaultKind.SPEAKER_KILL, place=NODE),
        Fault(at=2, for_s=18, kind=FaultKind.ENDPOINT_FLAP, place=WEB_THERE),
    ),
    Bug.UNRELATED_RESET: (Fault(at=1, for_s=6, kind=FaultKind.ENDPOINT_FLAP, place=WEB_THERE),),
    Bug.MISSED_DRAIN_STEP: (Fault(at=1, for_s=14, kind=FaultKind.DRAIN, place=NODE),),
    Bug.LEAK: (),
}
BROKEN = {
    Bug.LOST_WITHDRAW: Invariant.CAN_ANSWER,
    Bug.VIP_TWICE: Invariant.UNIQUE,
    Bug.STALE_ROUTE: Invariant.CAN_ANSWER,
    Bug.UNRELATED_RESET: Invariant.SESSIONS,
    Bug.MISSED_DRAIN_STEP: Invariant.DRAINED,
    Bug.LEAK: Invariant.MEMORY,
}
LONG_ENOUGH_S = 25.0


@pytest.mark.parametrize("bug", list(Bug))
async def test_each_bug_is_caught(bug: Bug) -> None:
    async with chaos_lab(program=("-m", "tests.lab.chaos.bugs", bug)) as stage:
        chaos = Chaos(stage=stage, windows=SOON if bug is Bug.LEAK else Windows())
        with pytest.raises(BrokenError) as caught:
            await chaos.play(SHOWN_BY[bug], LONG_ENOUGH_S)
    assert BROKEN[bug] in {violation.invariant for violation in caught.value.violations}


async def test_the_same_faults_break_nothing_without_a_bug() -> None:
    """All of them, one after the other."""
    faults, at = [], 0.0
    for those in dict.fromkeys(SHOWN_BY.values()):
        faults += [replace(fault, at=at + fault.at) for fault in those]
        at = max((fault.at + fault.for_s for fault in faults), default=0.0)
    async with chaos_lab() as stage:
        await Chaos(stage=stage).play(faults, at + 5)


@pytest.mark.timing
async def test_three_minutes_of_one_seed_break_nothing() -> None:
    async with chaos_lab() as stage:
        faults = schedule(SEED, 3, stage.cast)
        assert len(faults) > 20
        await Chaos(stage=stage).play(faults, 180)


@pytest.mark.soak
@pytest.mark.timeout(4000)
async def test_an_hour_of_one_seed_breaks_nothing() -> None:
    async with chaos_lab() as stage:
        await Chaos(stage=stage).play(schedule(SEED, 60, stage.cast), 3600)
