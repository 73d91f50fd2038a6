"""When an object is written again: state at once, counts seldom, a heartbeat always in time. What never ends it."""

import asyncio

import msgspec

from bgp_config.status.condition import Condition, ConditionStatus, ConditionType
from bgp_config.status.node import HEARTBEAT_S, BGPNodeStatus, Counts, ServiceNotNormal
from bgp_config.status.session import BGPSessionStatus, State
from herald.kube.objects import Metadata, Node
from herald.lab.waiting import until
from speaker.reporter import (
    AFTER_STATE_S,
    BEAT_S,
    COUNTS_S,
    LOOK_S,
    PASSED_S,
    SETTLE_S,
    WORDS_S,
    Report,
    Reporter,
    Written,
    counts_due_at,
)
from tests.unit.herald.kube.api.server import Portal, running
from tests.unit.speaker.test_status import START

SESSION = BGPSessionStatus(
    node="node1",
    peer="tor1",
    peer_address="10.1.1.0",
    peer_asn=65001,
    local_asn=64512,
    state=State.ESTABLISHED,
    since=START,
    prefixes=1,
)
NODE = BGPNodeStatus(version="1", counts=Counts(announced=1, withheld=0, sessions=1, established=1))
MORE = msgspec.structs.replace(NODE, counts=Counts(announced=2, withheld=0, sessions=1, established=1))

NOT_READY = Condition(
    type=ConditionType.READY, status=ConditionStatus.FALSE, last_transition_time=START, reason="SessionsDown", message=""
)


def written(status: BGPNodeStatus | BGPSessionStatus) -> Written:
    return Written(uid="u", status=status, at=100.0, counts_due_at=160.0)


def test_what_did_not_change_is_not_written() -> None:
    assert written(SESSION).next(SESSION, 1000.0) is None


def test_state_is_written_at_once() -> None:
    down = msgspec.structs.replace(SESSION, state=State.DOWN)
    assert written(SESSION).next(down, 100.1) == down


def test_counts_wait_for_their_minute() -> None:
    more = msgspec.structs.replace(SESSION, prefixes=2)
    assert written(SESSION).next(more, 159.9) is None
    assert written(SESSION).next(more, 160.0) == more
    assert min(COUNTS_S) >= 60


def sick(reason: str) -> BGPNodeStatus:
    word = ServiceNotNormal(namespace="default", name="web", reason=reason)
    return msgspec.structs.replace(NODE, services_not_normal=(word,), services_not_normal_total=1)


def test_a_service_that_is_not_normal_here_is_written_at_once_but_not_twice_within_seconds() -> None:
    for reason in ("healthCheckFailed", "withdrawnByHand", "flapping", "notInPool"):
        assert written(NODE).next(sick(reason), 100.0 + WORDS_S - 0.1) is None
        assert written(NODE).next(sick(reason), 100.0 + WORDS_S) == sick(reason)
        assert written(sick(reason)).next(NODE, 100.0 + WORDS_S) == NODE
    assert WORDS_S < LOOK_S


def test_what_the_objects_tell_or_what_passes_in_a_moment_waits_for_the_counts() -> None:
    for reason in ("noEndpoint", "noAdvertisement", "dataPathPending"):
        assert written(NODE).next(sick(reason), 110.0) is None
        assert written(NODE).next(sick(reason), 160.0) == sick(reason)


def test_the_first_service_too_many_is_told_at_once_and_then_no_other() -> None:
    full = sick("healthCheckFailed")
    overfull, more = (msgspec.structs.replace(full, services_not_normal_total=total) for total in (2, 3))
    assert written(full).next(overfull, 100.0 + WORDS_S) == overfull
    assert written(overfull).next(more, 100.0 + WORDS_S) is None
    plain, plainer = sick("noEndpoint"), msgspec.structs.replace(sick("noEndpoint"), services_not_normal_total=2)
    assert written(plain).next(plainer, 100.0 + WORDS_S) is None, "the objects tell"


def test_that_what_passes_has_passed_is_written_within_seconds() -> None:
    pending = sick("dataPathPending")
    assert written(pending).next(NODE, 100.0 + PASSED_S - 0.1) is None
    assert written(pending).next(NODE, 100.0 + PASSED_S) == NODE
    assert written(pending).next(msgspec.structs.replace(pending, counts=MORE.counts), 100.0 + PASSED_S) is None


def test_only_counts_put_off_the_next_counts() -> None:
    before, down = written(NODE), msgspec.structs.replace(NODE, conditions=(NOT_READY,))
    assert counts_due_at(before, NODE, 120.0) == before.counts_due_at, "a heartbeat"
    assert counts_due_at(before, sick("healthCheckFailed"), 102.0) == before.counts_due_at, "words"
    assert counts_due_at(before, down, 102.0) <= 102.0 + max(AFTER_STATE_S)
    assert counts_due_at(before, MORE, 160.0) >= 160.0 + min(COUNTS_S)


def test_a_heartbeat_says_again_what_was_said_and_is_in_time_although_it_is_looked_at_seldom() -> None:
    assert written(NODE).next(MORE, 100.0 + BEAT_S - 0.1) is None
    assert written(NODE).next(MORE, 100.0 + BEAT_S) == NODE
    assert BEAT_S + LOOK_S + SETTLE_S <= HEARTBEAT_S


async def test_an_answer_that_is_no_api_server_s_is_a_failure_like_others() -> None:
    report = Report(node=Node(metadata=Metadata(name="node1", uid="u")), bgp_node=NODE, sessions={})
    reporter = Reporter(Portal(), lambda _: report)
    reporter.wake()
    async with running(task := asyncio.create_task(reporter.run())):
        await until(lambda: task.done() or reporter.failures, 5)
        assert not task.done()
