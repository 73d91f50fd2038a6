"""Each thing that a new status tells is one Event, once."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bgp_config.status.condition import Condition, ConditionStatus, ConditionType
from bgp_config.status.drain import DrainedNode, DrainStatus, Phase
from controller.drain.events import MOST_NAMED, events_of
from controller.drain.reasons import WaitReason
from herald.kube import objects
from herald.kube.objects import ConfigManifest, ConfigStatus, Kind, Metadata

AT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


def node(name: str, phase: Phase, reason: str = "", message: str = "") -> DrainedNode:
    return DrainedNode(node=name, phase=phase, since=AT, reason=reason, message=message)


def waits(name: str, reason: WaitReason) -> DrainedNode:
    return node(name, Phase.WAITING, reason.value, f"why {name} waits")


def drain(*before: DrainedNode, refused: str = "") -> ConfigManifest:
    shown = [objects.Condition(type="Accepted", status="False", message=refused)] if refused else []
    status = ConfigStatus(nodes=list(before), conditions=shown)
    return ConfigManifest(kind=Kind.DRAIN, metadata=Metadata(name="rack-a", uid="4711"), status=status)


def refusal(problem: str) -> DrainStatus:
    condition = Condition(
        type=ConditionType.ACCEPTED,
        status=ConditionStatus.FALSE,
        last_transition_time=AT,
        reason="Refused",
        message=problem,
    )
    return DrainStatus(conditions=(condition,))


def told(before: Sequence[DrainedNode], *after: DrainedNode) -> list[tuple[str, str, str]]:
    found = list(events_of(drain(*before), DrainStatus(nodes=after), AT))
    assert all(event.regarding.uid == "4711" for event in found)
    return [(event.type.value, event.reason, event.note) for event in found]


def test_each_phase_is_told_when_it_begins_and_never_again() -> None:
    draining, drained = node("node1", Phase.DRAINING), node("node1", Phase.DRAINED)
    assert told([], draining) == [("Normal", "Draining", "node1")]
    assert told([draining], draining) == []
    assert told([draining], drained) == [("Normal", "Drained", "node1")]


def test_why_a_node_waits_is_a_warning_where_it_needs_a_person() -> None:
    concurrent, last = waits("node1", WaitReason.MAX_CONCURRENT_DRAINS), waits("node1", WaitReason.LAST_ANNOUNCER)
    assert told([], concurrent) == [("Normal", "MaxConcurrentDrains", "node1: why node1 waits")]
    assert told([concurrent], last) == [("Warning", "LastAnnouncer", "node1: why node1 waits")]


def test_that_the_controller_looks_first_is_no_news() -> None:
    assert told([], waits("node1", WaitReason.NOT_LOOKED_YET)) == []


def test_many_nodes_are_one_event() -> None:
    names = [f"node{number}" for number in range(MOST_NAMED + 3)]
    ((_, _, note),) = told([], *(node(name, Phase.DRAINED) for name in names))
    assert note == f"{', '.join(names[:MOST_NAMED])} and 3 more"


def test_why_many_nodes_wait_is_told_in_words_that_fit_all_of_them() -> None:
    unknown = WaitReason.NODE_UNKNOWN
    ((_, _, note),) = told([], waits("node1", unknown), waits("node2", unknown))
    assert note == f"node1, node2: {unknown.remedy}"


def test_what_is_wrong_with_it_is_told_once() -> None:
    def said(before: ConfigManifest, problem: str) -> list[tuple[str, str]]:
        return [(event.reason, event.note) for event in events_of(before, refusal(problem), AT)]

    assert said(drain(), "bad") == [("Refused", "bad")]
    assert said(drain(refused="bad"), "bad") == []
    assert said(drain(refused="bad"), "worse") == [("Refused", "worse")]
