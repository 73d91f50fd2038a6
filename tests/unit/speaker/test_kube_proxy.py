"""When a change is known to be in kube-proxy's rules, by what it answered; and that it never is while a sync may lack it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.names import Family
from speaker.kube_proxy import BREAK_S, QUIET_S, Answer, HealthCheck, KubeProxyKnowledge, Sync, Wanted
from tests.builders import ip

POLL_S = 0.02
CHECK = HealthCheck(ip("10.0.255.1"), 30123)
LONG_AGO_S = 1000.0


@dataclass
class Watching:
    """Polls a kube-proxy of which the test says when it completed syncs. `now` is the time of the next question."""

    now: float = 100.0
    completed: float = 100.0 - LONG_AGO_S
    knowledge: KubeProxyKnowledge = field(default_factory=KubeProxyKnowledge)

    def poll(self, *, until: float | None = None, ready: bool | None = None) -> None:
        """At least one question."""
        while True:
            sync = Sync(f"{self.completed}", self.now - self.completed)
            health = {} if ready is None else {CHECK: ready}
            answer = Answer(asked_at=self.now, at=self.now + POLL_S / 4, syncs={Family.IPV4: sync}, health=health)
            self.knowledge.heard(answer)
            self.now += POLL_S
            if until is None or self.now > until:
                return

    def complete(self) -> None:
        """A sync is completed between two questions."""
        self.completed = self.now - POLL_S / 2
        self.poll()

    def has(self, **changed: float) -> bool:
        since = changed.pop("since", 100.0)
        return self.knowledge.has(Wanted(since=since, family=Family.IPV4, health_check=CHECK, **changed))


def test_nothing_is_known_before_an_answer_and_after_a_question_without_one() -> None:
    watching = Watching()
    assert not watching.has()
    watching.poll()
    assert watching.has()
    watching.knowledge.heard(None)
    assert not watching.has()


def test_one_sync_after_a_change_may_have_begun_before_it_and_the_second_has_not() -> None:
    watching = Watching()
    watching.poll()
    changed = watching.now - POLL_S
    watching.complete()
    assert not watching.has(service_changed=changed)
    watching.complete()
    assert watching.has(service_changed=changed)


def test_a_sync_completed_between_change_and_first_question_counts_for_nothing() -> None:
    watching = Watching(completed=99.99)
    watching.poll()
    watching.complete()
    assert not watching.has(service_changed=99.98)


def test_a_kube_proxy_that_answers_and_writes_nothing_for_a_while_has_nothing_left_to_write() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(until=changed + QUIET_S - 2 * POLL_S)
    assert not watching.has(service_changed=changed)
    watching.poll(until=changed + QUIET_S + POLL_S)
    assert watching.has(service_changed=changed)


def test_quiet_is_counted_from_the_last_sync() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(until=changed + 1.0)
    watching.complete()
    watching.poll(until=changed + QUIET_S + POLL_S)
    assert not watching.has(service_changed=changed)
    watching.poll(until=changed + 1.0 + QUIET_S + 3 * POLL_S)
    assert watching.has(service_changed=changed)


def test_the_silence_of_one_that_hangs_is_no_quiet() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll()
    watching.now += 2.0
    watching.poll()
    assert not watching.has(service_changed=changed)
    watching.knowledge.heard(None)
    watching.poll(until=watching.now + QUIET_S / 2)
    assert not watching.has(service_changed=changed)


def test_the_sync_that_a_stopped_kube_proxy_completes_when_it_goes_on_counts_for_nothing() -> None:
    watching = Watching()
    watching.poll()
    changed = watching.now
    watching.now += BREAK_S + 1
    watching.complete()
    watching.complete()
    assert not watching.has(service_changed=changed)


def test_a_health_check_that_turned_from_503_to_200_shows_the_first_local_endpoint() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(ready=False)
    assert not watching.has(endpoints_changed=changed)
    watching.poll(ready=True)
    assert watching.has(endpoints_changed=changed)


def test_a_200_that_no_503_came_before_may_be_that_of_rules_long_past() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(ready=True)
    assert not watching.has(endpoints_changed=changed)
    watching.poll(until=changed + QUIET_S + POLL_S, ready=True)
    assert watching.has(endpoints_changed=changed)


def test_a_health_check_says_nothing_of_a_vip_that_is_new() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(ready=False)
    watching.poll(ready=True)
    assert not watching.has(service_changed=changed, endpoints_changed=changed)


def test_while_the_health_check_says_503_nothing_else_counts() -> None:
    watching = Watching()
    changed = watching.now
    watching.poll(until=changed + 2 * QUIET_S, ready=False)
    assert not watching.has(endpoints_changed=changed)


def test_what_is_long_known_needs_one_answer_only() -> None:
    watching = Watching()
    watching.poll()
    assert watching.has(since=100.0)


def test_at_kube_proxys_own_start_what_is_long_known_waits_for_its_first_sync() -> None:
    watching = Watching(completed=99.9)
    watching.poll()
    assert not watching.has(since=100.0)
    watching.complete()
    assert watching.has(since=100.0)


def test_one_family_says_nothing_of_the_other() -> None:
    watching = Watching()
    watching.poll()
    assert not watching.knowledge.has(Wanted(since=100.0, family=Family.IPV6))


@given(
    st.floats(0, 3),
    st.lists(st.tuples(st.floats(0.05, 0.4), st.floats(0, 2)), min_size=1, max_size=8),
    st.lists(st.floats(0, 1.5), max_size=3),
)
def test_whatever_is_said_to_be_in_the_rules_is_the_content_of_a_completed_sync(
    change_at: float, syncs: list[tuple[float, float]], stops: list[float]
) -> None:
    """A kube-proxy that syncs now and then, and hangs at times. Syncs last under half a second, as QUIET_S demands."""
    start, moment, timeline = 100.0, 99.0, []
    for duration, pause in syncs:
        timeline.append((moment, moment + duration))
        moment += duration + 1.0 + pause
    change = start + change_at
    # It queues a sync when the change comes, at once or a second after the last one.
    before = [end for begun, end in timeline if begun <= change]
    earliest = max(change, (before[-1] if before else 0) + 1.0)
    timeline = [each for each in timeline if each[0] <= change] + [(earliest, earliest + 0.3)]
    watching = Watching(now=start, completed=0.0)
    while watching.now < change + 6:
        watching.completed = max((end for _, end in timeline if end <= watching.now), default=0.0)
        watching.poll()
        if watching.now > change and watching.has(service_changed=change):
            assert watching.now >= earliest + 0.3 - POLL_S
            return
        if stops and watching.now > start + stops[0]:
            watching.now += stops.pop() / 10
    pytest.fail("it never was")
