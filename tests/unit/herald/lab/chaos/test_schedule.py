"""The chaos of a seed is always the same, and fair."""

from collections import Counter
from itertools import combinations

import pytest

from herald.lab.chaos.faults import EFFECTS, Fault, FaultKind
from herald.lab.chaos.schedule import CALM_S, LASTS_S, Cast, schedule

CAST = Cast(nodes=("node1", "node2", "node3"), tors=("tor1", "tor2"), services=("web", "db"), steady=frozenset({"node3"}))
PROGRAMS = {FaultKind.SPEAKER_KILL, FaultKind.SPEAKER_STOP, FaultKind.EXABGP_KILL, FaultKind.EXABGP_STOP}
BFD = {FaultKind.BFD_KILL, FaultKind.BFD_STOP}


def together(faults: tuple[Fault, ...]) -> set[tuple[Fault, Fault]]:
    return {(one, two) for one, two in combinations(faults, 2) if two.at < one.at + one.for_s}


def test_a_seed_always_has_the_same_schedule_and_another_seed_another() -> None:
    assert schedule(7, 10, CAST) == schedule(7, 10, CAST)
    assert schedule(7, 10, CAST) != schedule(8, 10, CAST)


def test_every_kind_has_its_effect_and_its_length() -> None:
    assert set(EFFECTS) == set(LASTS_S) == set(FaultKind)


@pytest.mark.parametrize("seed", range(20))
def test_a_longer_schedule_begins_like_a_shorter_one(seed: int) -> None:
    short, long = schedule(seed, 3, CAST), schedule(seed, 30, CAST)
    ended = [fault for fault in long if fault.at + fault.for_s + EFFECTS[fault.kind].back_s <= 180]
    assert list(short) == ended


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_comes_before_any_comes_again(seed: int) -> None:
    first = [fault.kind for fault in schedule(seed, 30, CAST)[: len(FaultKind)]]
    assert sorted(first) == sorted(FaultKind)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_time_after_a_calm_and_all_is_over_at_the_end(seed: int) -> None:
    faults = schedule(seed, 5, CAST)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[0].at >= CALM_S
    assert all(fault.at + fault.for_s <= 300 for fault in faults)


def test_the_programs_of_a_steady_node_are_left_alone_and_its_cables_are_not() -> None:
    struck = {(fault.kind, fault.place.node) for seed in range(20) for fault in schedule(seed, 30, CAST)}
    assert not {kind for kind, node in struck if node == "node3"} & (PROGRAMS | BFD)
    assert (FaultKind.LINK_CUT, "node3") in struck


def test_faults_overlap_but_never_two_on_one_cable_one_programs_or_the_manifests() -> None:
    pairs = [pair for seed in range(20) for pair in together(schedule(seed, 30, CAST))]
    assert len(pairs) > 100
    manifests = {FaultKind.ENDPOINT_FLAP, FaultKind.SOURCE_OUTAGE, FaultKind.CONFIG_EDIT, FaultKind.DRAIN}
    cables = {FaultKind.LINK_CUT, FaultKind.SILENCE}
    for one, two in pairs:
        assert not {one.kind, two.kind} <= manifests
        if one.place.node == two.place.node:
            assert not {one.kind, two.kind} <= PROGRAMS
            tors = {one.place.tor, two.place.tor}
            assert not ({one.kind, two.kind} <= cables and (None in tors or len(tors) == 1)), (one, two)


def test_while_a_node_is_drained_only_its_own_programs_and_the_clock_are_struck() -> None:
    overlapping = [pair for seed in range(40) for pair in together(schedule(seed, 30, CAST))]
    drained = [pair for pair in overlapping if FaultKind.DRAIN in {fault.kind for fault in pair}]
    assert drained
    for one, two in drained:
        drain, other = (one, two) if one.kind is FaultKind.DRAIN else (two, one)
        assert other.kind in {*PROGRAMS, FaultKind.CLOCK_STEP}
        assert other.place.node in {drain.place.node, None}


def test_a_kind_that_the_cast_has_not_never_comes() -> None:
    kinds = (FaultKind.LINK_CUT, FaultKind.ENDPOINT_FLAP)
    cast = Cast(nodes=("node1",), tors=("tor1",), services=("web",), kinds=kinds)
    assert set(Counter(fault.kind for fault in schedule(1, 10, cast))) == set(kinds)
