"""What the status of a Drain should say: how far each node is, and the conditions Ready and Stalled. Pure.

A node is Drained when its speaker says so about this very grant. Where speakers cannot be heard (a directory) it is taken to
be Drained PRESUMED_S after drainSeconds have passed since the grant. While a speaker is silent its node stays what it was,
and while nobody has looked which nodes announce what, a node that waits keeps its reason: a new leader has no news of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bgp_config.names import NodeName
from bgp_config.status.base import clip
from bgp_config.status.condition import ConditionType
from bgp_config.status.drain import DrainedNode, Phase, grant_of
from controller.config_state import Said
from controller.drain.announcers import Voices
from controller.drain.grants import Decision, Granted, Waits
from controller.drain.reasons import WaitReason

PRESUMED_S = 5.0
"""How long it may take until every speaker has read of a grant, and its routes are on every wire."""

_REASONS = frozenset(WaitReason)
"""Another version may have said one that is not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What can be known of the nodes' progress now. `voices` None: speakers cannot be heard."""

    voices: Voices | None
    now: datetime


def progress(
    node: NodeName, decision: Decision, before: DrainedNode | None, uid: str, drain_s: float, hearing: Hearing
) -> DrainedNode:
    """`before`: what was said of it last; `uid`: the Drain's."""
    match decision:
        case Waits(WaitReason.NOT_LOOKED_YET) if before and before.reason in _REASONS:
            return before
        case Waits(reason, message):
            since = before.since if before and before.phase is Phase.WAITING else hearing.now
            return DrainedNode(node=node, phase=Phase.WAITING, since=since, reason=reason.value, message=clip(message))
        case Granted() if before is None or before.granted is None:
            return DrainedNode(node=node, phase=Phase.DRAINING, since=hearing.now, granted=hearing.now)
        case Granted():
            phase = _phase(before, before.granted, uid, drain_s, hearing)
            since = before.since if phase is before.phase else hearing.now
            return DrainedNode(node=node, phase=phase, since=since, granted=before.granted)


def _phase(before: DrainedNode, granted: datetime, uid: str, drain_s: float, hearing: Hearing) -> Phase:
    if hearing.voices is None:
        is_over = hearing.now >= granted + timedelta(seconds=drain_s + PRESUMED_S)
        return Phase.DRAINED if is_over else before.phase
    voice = hearing.voices.get(NodeName(before.node))
    if voice is None or grant_of(uid, granted) not in voice.grants:
        return before.phase
    return Phase.DRAINED if voice.drained else Phase.DRAINING


def conditions(nodes: Sequence[DrainedNode], *, ended: bool) -> Iterator[Said]:
    """Ready and Stalled of a Drain that is accepted."""
    waiting = [each for each in nodes if each.phase is Phase.WAITING]
    stalled = next((each for each in waiting if WaitReason(each.reason).needs_a_person), None)
    if stalled is None:
        yield Said(ConditionType.STALLED, False, "Accepted")
    else:
        yield Said(ConditionType.STALLED, True, stalled.reason, f"{stalled.node}: {stalled.message}")
    yield _ready(nodes, waiting, ended=ended)


def _ready(nodes: Sequence[DrainedNode], waiting: Sequence[DrainedNode], *, ended: bool) -> Said:
    if ended:
        return Said(ConditionType.READY, True, "Ended", "spec.until has passed: it has no effect any more")
    if not nodes:
        return Said(ConditionType.READY, True, "NoNodes", "it selects no Node that there is")
    drained = sum(each.phase is Phase.DRAINED for each in nodes)
    counted = f"{drained} of {len(nodes)} nodes are drained"
    if drained == len(nodes):
        return Said(ConditionType.READY, True, "Drained", counted)
    if not waiting:
        return Said(ConditionType.READY, False, "Draining", counted)
    return Said(ConditionType.READY, False, "Waiting", f"{counted}; {waiting[0].node} waits: {waiting[0].message}")
