"""The Events that a new status of a Drain is worth, for `kubectl describe drain`. No I/O.

One for each thing that changed, however many nodes it is about: so a large Drain leaves room for what others have to say.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bgp_config.status.condition import ConditionStatus, ConditionType
from bgp_config.status.drain import DrainedNode, DrainStatus, Phase
from controller.drain.reasons import WaitReason
from herald.kube.api import Event, EventType, Target
from herald.kube.objects import ConfigManifest

MOST_NAMED = 10


def events_of(drain: ConfigManifest, status: DrainStatus, at: datetime) -> Iterator[Event]:
    """`drain` has the status that was there before."""
    if (problems := _refusal(drain, status)) is not None:
        yield _event(drain, EventType.WARNING, "Refused", problems, at)
    before = {each.node: _word(each) for each in drain.status.nodes}
    news: dict[str, list[DrainedNode]] = {}
    for each in status.nodes:
        if before.get(each.node) != _word(each):
            news.setdefault(_word(each), []).append(each)
    for word, nodes in news.items():
        if nodes[0].phase.is_granted:
            yield _event(drain, EventType.NORMAL, word, _named(nodes), at)
        elif (reason := WaitReason(word)) is not WaitReason.NOT_LOOKED_YET:  # which lasts a moment
            type_ = EventType.WARNING if reason.needs_a_person else EventType.NORMAL
            why = nodes[0].message if len(nodes) == 1 else reason.remedy
            yield _event(drain, type_, word[0].upper() + word[1:], f"{_named(nodes)}: {why}", at)


def _word(node: DrainedNode) -> str:
    return node.reason if node.phase is Phase.WAITING else node.phase.value


def _refusal(drain: ConfigManifest, status: DrainStatus) -> str | None:
    """What is wrong with it, unless that was said already."""
    said = {
        each.message for each in drain.status.conditions if each.type == ConditionType.ACCEPTED and each.status == "False"
    }
    accepted = (each for each in status.conditions if each.type == ConditionType.ACCEPTED)
    refused = next((each.message for each in accepted if each.status is ConditionStatus.FALSE), None)
    return refused if refused not in said else None


def _named(nodes: Sequence[DrainedNode]) -> str:
    more = f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
    return ", ".join(each.node for each in nodes[:MOST_NAMED]) + more


def _event(drain: ConfigManifest, type_: EventType, reason: str, note: str, at: datetime) -> Event:
    target = Target.of(drain.kind, drain.metadata)
    return Event(regarding=target, type=type_, reason=reason, action="Drain", note=note, at=at)
