"""What answers add up to: rise and fall, failWhen, onFailure, the hold-down, and edits that move nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import FailWhen, HealthCheck, OnFailure, Protocol
from bgp_config.names import Family, HealthCheckName
from herald.kube.objects import ObjectKey
from speaker.health.dialogue import Outcome
from speaker.health.judge import EndpointHealth, Found, Judge
from speaker.health.targets import EndpointKey, GroupKey
from speaker.hold_down import HOLD_S
from speaker.route import RouteState
from tests.builders import ip

CHECK = HealthCheck(name=HealthCheckName("web"), protocol=Protocol.HTTP, rise=2, fall=3)
GROUP = GroupKey(ObjectKey("default", "web"), CHECK.name, Family.IPV4)
ONE, TWO = (EndpointKey(GROUP, ip(f"10.244.1.{number}")) for number in (1, 2))
GOOD, BAD = Outcome.PASSED, Outcome.TIMED_OUT


class Node:
    """One group on one node, whose clock moves a second with each answer."""

    def __init__(self, check: HealthCheck = CHECK, endpoints: tuple[EndpointKey, ...] = (ONE,)) -> None:
        self.judge, self.now, self.check = Judge(), 1000.0, check
        self.watch(*endpoints)

    def watch(self, *endpoints: EndpointKey, check: HealthCheck | None = None) -> None:
        self.judge.watch(GROUP, check or self.check, endpoints, self.now)

    def hear(self, *outcomes: Outcome, of: EndpointKey = ONE) -> RouteState:
        for outcome in outcomes:
            self.now += 1
            self.judge.hear(of, outcome, self.now)
        self.judge.release(self.now)
        return self.state

    @property
    def state(self) -> RouteState:
        return self.judge.state(GROUP)

    def recover(self) -> float:
        """How long it is least preferred after its endpoint is well again."""
        self.hear(GOOD, GOOD)
        begun = self.now
        while self.state is not RouteState.NORMAL:
            self.now += 0.5
            self.judge.release(self.now)
            assert self.now - begun < 100
        return self.now - begun


def test_fall_bad_answers_in_a_row_make_it_sick_and_rise_good_ones_well() -> None:
    node = Node()
    assert node.hear(GOOD, BAD, BAD, GOOD, BAD, BAD) is RouteState.NORMAL
    assert node.hear(BAD) is RouteState.LAST_RESORT
    assert node.hear(GOOD, BAD, GOOD) is RouteState.LAST_RESORT
    assert node.hear(GOOD) is RouteState.NORMAL


def test_it_is_well_until_the_first_answer_which_decides() -> None:
    node = Node()
    assert node.state is RouteState.NORMAL
    assert node.hear(BAD) is RouteState.LAST_RESORT


def test_what_this_node_could_not_ask_says_nothing() -> None:
    node = Node()
    node.hear(GOOD, BAD, BAD)
    assert node.hear(*[Outcome.NOT_ASKED] * 9) is RouteState.NORMAL
    assert node.hear(BAD) is RouteState.LAST_RESORT


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.PASSED, Outcome.NOT_ASKED}))
def test_every_other_outcome_speaks_against_the_endpoint(outcome: Outcome) -> None:
    assert Node().hear(GOOD, outcome, outcome, outcome) is RouteState.LAST_RESORT


def test_by_default_a_node_is_sick_when_all_its_endpoints_are() -> None:
    node = Node(endpoints=(ONE, TWO))
    node.hear(GOOD)
    assert node.hear(BAD, of=TWO) is RouteState.NORMAL
    assert node.hear(BAD, BAD, BAD) is RouteState.LAST_RESORT


def test_with_any_it_is_sick_when_one_is() -> None:
    node = Node(replace(CHECK, fail_when=FailWhen.ANY), (ONE, TWO))
    node.hear(GOOD)
    assert node.hear(BAD, of=TWO) is RouteState.LAST_RESORT


def test_withdraw_withdraws_but_what_is_only_held_down_is_the_last_resort() -> None:
    node = Node(replace(CHECK, on_failure=OnFailure.WITHDRAW))
    assert node.hear(BAD) is RouteState.WITHDRAWN
    assert node.hear(GOOD, GOOD) is RouteState.NORMAL
    assert node.hear(BAD, BAD, BAD) is RouteState.WITHDRAWN
    assert node.hear(GOOD, GOOD) is RouteState.LAST_RESORT


def test_the_hold_down_grows_with_each_sickness() -> None:
    node = Node()
    waits = []
    for _ in HOLD_S:
        node.hear(BAD, BAD, BAD)
        waits.append(node.recover())
    assert waits == list(HOLD_S)


def test_who_falls_sick_while_held_down_waits_anew_but_is_no_further_flap() -> None:
    node = Node()
    for _ in range(2):
        node.hear(BAD, BAD, BAD)
        node.recover()
    node.hear(BAD, BAD, BAD)
    node.hear(GOOD, GOOD)
    node.hear(BAD, BAD, BAD)
    assert node.recover() == 2


def test_a_check_that_is_gone_while_held_down_is_held_no_longer_when_it_is_back() -> None:
    node = Node()
    node.hear(BAD, GOOD, GOOD, BAD, BAD, BAD)
    assert node.hear(GOOD, GOOD) is RouteState.LAST_RESORT
    node.judge.forget(GROUP)
    node.watch(ONE)
    assert node.state is RouteState.NORMAL
    assert node.judge.release(node.now + 100) == []


def test_an_endpoint_that_is_gone_does_not_count_any_more() -> None:
    node = Node(endpoints=(ONE, TWO))
    node.hear(GOOD, of=TWO)
    node.hear(BAD)
    states = []
    for there in (ONE, TWO):
        node.watch(there)
        states.append(node.state)
    assert states == [RouteState.LAST_RESORT, RouteState.NORMAL]
    assert node.judge.hear(ONE, BAD, node.now) is None


def test_an_edited_check_moves_nothing_until_its_own_answers_do() -> None:
    node = Node()
    node.hear(BAD)
    edited = replace(CHECK, path="/other", rise=1)
    node.watch(ONE, check=edited)
    assert node.state is RouteState.LAST_RESORT
    assert node.hear(GOOD) is RouteState.NORMAL


def test_a_check_that_is_gone_leaves_nothing() -> None:
    node = Node()
    node.hear(BAD)
    node.judge.forget(GROUP)
    assert node.state is RouteState.NORMAL
    node.watch(ONE)
    assert node.state is RouteState.NORMAL


@given(st.lists(st.sampled_from([GOOD, BAD, Outcome.NOT_ASKED]), max_size=40), st.integers(1, 5), st.integers(1, 5))
def test_it_only_changes_its_mind_after_as_many_answers_in_a_row(outcomes: list[Outcome], rise: int, fall: int) -> None:
    check, health, asked = replace(CHECK, rise=rise, fall=fall), EndpointHealth(), list[Outcome]()
    for outcome in outcomes:
        before, health = health, health.heard(outcome, check)
        asked += [outcome] if outcome is not Outcome.NOT_ASKED else []
        if before.found is Found.WELL and health.found is Found.SICK:
            assert asked[-fall:] == [BAD] * fall
        if before.found is Found.SICK and health.found is Found.WELL:
            assert asked[-rise:] == [GOOD] * rise
    if asked[-fall:] == [BAD] * fall:
        assert health.found is Found.SICK
    if asked[-rise:] == [GOOD] * rise:
        assert health.found is Found.WELL
