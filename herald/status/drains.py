"""Drains in `herald status`: how far each node is, what it waits for, and what that means for its routes. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bgp_config.status.drain import Phase
from bgp_config.status.node import BGPNodeStatus
from herald.kube.objects import ConfigManifest, Kind
from herald.kube.source import Change, Upsert
from herald.status.answer import DrainFact
from herald.status.text import Cell, Paint, Tone, ago, table
from speaker.drain import STANDINGS
from speaker.evidence import Standing

_TONES: Mapping[Phase, Tone] = {Phase.WAITING: Tone.BAD, Phase.DRAINING: Tone.DOUBT, Phase.DRAINED: Tone.GOOD}


def facts(changes: Iterable[Change]) -> Iterator[DrainFact]:
    """By Drain, then by node."""
    for change in changes:
        match change:
            case Upsert(object=ConfigManifest(kind=Kind.DRAIN) as drain):
                for each in drain.status.nodes:
                    yield DrainFact(
                        drain=drain.metadata.name,
                        node=each.node,
                        phase=each.phase,
                        since=each.since,
                        reason=each.reason,
                        message=each.message,
                    )


def standing(node: str, speaker: BGPNodeStatus | None, found: Iterable[DrainFact]) -> Standing | None:
    """What the node's drain makes of its routes: by its speaker's word, or where that is not known by the controller's."""
    if speaker is not None:  # its phase is behind: that waits for the routers
        reason = speaker.drain.reason if speaker.drain else None
        return next((each for each in STANDINGS.values() if each.reason == reason), None)
    phases = [each.phase for each in found if each.node == node]
    phase = next((phase for phase in (Phase.DRAINED, Phase.DRAINING) if phase in phases), None)
    return STANDINGS.get(phase) if phase else None


def section(found: Iterable[DrainFact], now: datetime, paint: Paint) -> list[str]:
    """Nothing where nothing is drained."""
    rows = [_row(each, now) for each in found]
    if not rows:
        return []
    return ["", paint("DRAINS", Tone.HEAD), *table(["DRAIN", "NODE", "PHASE", "FOR", "WAITS FOR"], rows, paint)]


def _row(fact: DrainFact, now: datetime) -> list[Cell]:
    waits = f"{fact.reason}: {fact.message}" if fact.reason else ""
    return [fact.drain, fact.node, (fact.phase.value, _TONES[fact.phase]), ago(fact.since, now), waits]
