"""maxStale: least preferred on the same edge of the wall clock everywhere, whoever was stale a little sooner."""

import pytest

from herald.kube.objects import Kind
from herald.kube.source import Change, Fresh, Stale
from speaker.evidence import NORMAL, Source, Standing
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.stale import StaleWitness
from tests.unit.speaker.test_core import CONFIG, core, one_service

HOUR = 3600.0
NOON = 1_000_000 * 300.0
"""A full five minutes of the wall clock."""
STALE = Standing(RouteState.LAST_RESORT, Reason.STALE)


class Node:
    """Its monotonic clock began at another time than others'; `clock` is the wall clock."""

    def __init__(self, *, max_stale_s: float = HOUR, booted: float = 0.0) -> None:
        self.clock, self._booted = NOON, booted
        self.witness = StaleWitness(max_stale_s, lambda: self.clock)
        self.core = core([*CONFIG, *one_service("web", "198.51.100.7")])

    def at(self, wall: float, *said: Change, step_s: float = 0.0) -> Standing:
        """What counts then. `step_s`: so far is the wall clock from the truth."""
        self.clock, now = wall + step_s, wall - self._booted
        for change in said:
            self.witness.hear(change, self.core.cluster, now)
        self.witness.testify(self.core, now)
        self.core.step()
        assert Source.STALE in self.core.evidence.node_sources or self.core.evidence.of_node == NORMAL
        return self.core.evidence.of_node


def stale(kind: Kind = Kind.SERVICE) -> Stale:
    return Stale(kind, "the API server is away")


def test_at_the_next_full_five_minutes_after_an_hour_and_not_before() -> None:
    node = Node()
    assert node.at(NOON + 1, stale()) == NORMAL
    for wall in (NOON + HOUR, NOON + HOUR + 1, NOON + HOUR + 299.9):
        assert node.at(wall) == NORMAL
    assert node.at(NOON + HOUR + 300) == STALE
    (vip,) = next(iter(node.core.decisions.values())).vips
    assert (vip.state, vip.reason) == (RouteState.LAST_RESORT, Reason.STALE)


def test_nodes_that_noticed_at_different_times_turn_at_the_same() -> None:
    nodes = {Node(booted=10.0): 3.0, Node(booted=5000.0): 31.0, Node(booted=-7.0): 290.0}
    for node, noticed in nodes.items():
        node.at(NOON + noticed, stale())
    for wall, expected in ((NOON + HOUR + 299, NORMAL), (NOON + HOUR + 300.5, STALE)):
        assert {node.at(wall) for node in nodes} == {expected}


def test_zero_means_never() -> None:
    node = Node(max_stale_s=0)
    node.at(NOON, stale())
    assert node.at(NOON + 1000 * HOUR) == NORMAL


def test_the_kind_that_is_stale_longest_counts_and_configuration_does_not() -> None:
    node = Node()
    node.at(NOON, stale(Kind.BGP_PEER))
    assert node.at(NOON + 2 * HOUR) == NORMAL, "a definition that was deleted is held as it was"
    node.at(NOON + 2 * HOUR, stale(Kind.ENDPOINT_SLICE))
    node.at(NOON + 2 * HOUR + 600, stale(Kind.NODE))
    assert node.at(NOON + 3 * HOUR) == STALE


def test_one_that_hears_again_is_normal_on_a_full_minute_so_that_none_is_alone() -> None:
    node = Node()
    node.at(NOON, stale())
    assert node.at(NOON + HOUR) == STALE
    assert node.at(NOON + HOUR + 61, Fresh(Kind.SERVICE)) == STALE
    assert node.at(NOON + HOUR + 119) == STALE
    assert node.at(NOON + HOUR + 120) == NORMAL
    assert node.at(NOON + HOUR + 121, stale()) == NORMAL, "the hour begins anew"


def test_one_that_loses_it_again_before_the_minute_stays_as_it_is() -> None:
    node = Node()
    node.at(NOON, stale())
    node.at(NOON + HOUR)
    node.at(NOON + HOUR + 61, Fresh(Kind.SERVICE))
    assert node.at(NOON + HOUR + 90, stale()) == STALE
    assert node.at(NOON + HOUR + 130) == STALE


@pytest.mark.parametrize("step_s", [-86_400.0, -7.0, 7.0, 86_400.0])
def test_a_step_of_the_wall_clock_neither_begins_nor_undoes_it(step_s: float) -> None:
    node = Node()
    node.at(NOON, stale())
    assert node.at(NOON + HOUR - 1, step_s=step_s) == NORMAL
    assert node.at(NOON + HOUR + 300, step_s=0) == STALE
    assert node.at(NOON + HOUR + 301, step_s=step_s) == STALE
    node.at(NOON + HOUR + 302, Fresh(Kind.SERVICE), step_s=step_s)
    assert node.at(NOON + HOUR + 362, step_s=step_s) == NORMAL


def test_a_speaker_that_starts_while_it_is_over_is_stale_from_its_first_decision() -> None:
    node = Node()
    node.witness.staleness.recall({Kind.SERVICE: NOON - 2 * HOUR})
    assert node.at(NOON, stale()) == STALE
