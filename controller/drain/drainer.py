"""The loop that grants drains and says how far they are. One task of the controller that assigns.

What is granted is kept here from the decision on, whether the write was acknowledged or not, and read off the statuses by
the next life: so no grant is forgotten, and none is given twice. Services come first: an address is never assigned later
because of this.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

from bgp_config.config import Drain
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import DrainName, NodeName
from bgp_config.status.drain import MAX_NODES, DrainedNode, DrainStatus, Phase
from controller.config_state import conditions_of
from controller.drain.announcers import Announcers, Voices, announcers
from controller.drain.grants import Decision, Limits, Wish, decide
from controller.drain.progress import Hearing, conditions, progress
from controller.drain.speakers import Speakers
from controller.drain.survey import Survey
from controller.drain.writer import DrainWriter
from controller.plan import Plan
from controller.turns import Turns
from herald.kube.api import ApiError, ConflictError, NotFoundError, UnreachableError
from herald.kube.objects import ConfigManifest, Kind, Node, ObjectKey
from herald.kube.source import Source
from herald.program.logs import fields

log = logging.getLogger(__name__)

SETTLE_S = 0.05
REST_S = 0.5
"""Between two turns, unless the first look at slices is awaited: each turn hears all speakers, whatever else happens."""
RETRY_S = 2.0
_WORDS = {Phase.WAITING: "drain waits", Phase.DRAINING: "drain granted", Phase.DRAINED: "drained"}
_FAILURES = (ApiError, UnreachableError, OSError)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was decided last about a Drain; `written` is the status that was acknowledged."""

    uid: str
    nodes: Mapping[NodeName, DrainedNode]
    written: DrainStatus | None = None


@dataclass(slots=True, kw_only=True)
class Drainer:
    """`may_write` tells whether this controller still assigns; `open_source` gives a new Source of survey.KINDS.

    `withholds`: an object may exist, though the plan was not told of it.
    """

    plan: Plan
    limits: Limits
    speakers: Speakers
    writer: DrainWriter
    open_source: Callable[[], Source]
    may_write: Callable[[], bool]
    withholds: Callable[[Kind, ObjectKey], bool] = lambda _kind, _key: False
    errors: int = 0
    _turns: Turns = field(default_factory=lambda: Turns(SETTLE_S))
    _leftovers: frozenset[str] | None = None
    _said: dict[str, _Said] = field(default_factory=dict)

    def wake(self) -> None:
        """The plan has settled anew."""
        self._turns.wake()

    @property
    def nodes(self) -> Iterator[DrainedNode]:
        """Every node of every Drain, as far as it is."""
        return (each for said in self._said.values() for each in said.nodes.values())

    async def run(self) -> NoReturn:
        async with asyncio.TaskGroup() as tasks:
            survey = Survey(self.open_source, self.wake)
            while True:
                await self._turns.next()
                if self.plan.unsynced or not self.may_write():
                    continue
                try:
                    await self._forget()
                    await self._turn(survey, tasks)
                except _FAILURES as error:
                    self.errors += 1
                    log.warning("drains are not looked after", extra=fields(why=error))
                    await asyncio.sleep(RETRY_S)
                if not survey.is_looking:
                    await asyncio.sleep(REST_S)
        raise AssertionError("the loop has ended")  # which it does by an exception only

    async def _forget(self) -> None:
        there = {manifest.metadata.name for manifest in self._manifests()}
        if self._leftovers is None:
            self._leftovers = await self.writer.known()
        withheld = {name for name in self._leftovers if self.withholds(Kind.DRAIN, ObjectKey("", name))}
        for name in (self._said.keys() | (self._leftovers - withheld)) - there:
            await self.writer.forget(name)
            self._said.pop(name, None)
            log.info("drain is over", extra=fields(drain=name))
        self._leftovers = frozenset(withheld - there)

    async def _turn(self, survey: Survey, tasks: asyncio.TaskGroup) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        nodes = {NodeName(key.name): node for key, node in self.plan.nodes.items()}
        manifests = {DrainName(manifest.metadata.name): manifest for manifest in self._manifests()}
        drains = ((name, self._drain(manifest)) for name, manifest in manifests.items())
        in_effect = {name: drain for name, drain in drains if drain.until is None or now.timestamp() < drain.until}
        wishes = {name: self._wish(drain, manifests[name], nodes) for name, drain in in_effect.items()}
        voices = await self.speakers.voices() if wishes else None
        survey.want(tasks, wanted=any(wish.nodes != wish.granted for wish in wishes.values()))
        racks = {name: self.limits.rack_of(node) for name, node in nodes.items()}
        known = self._announcers(survey, nodes, voices)
        decided = decide(wishes.values(), racks, self.limits, known, self._leftovers or frozenset())
        for name, manifest in manifests.items():
            wish = wishes.get(name)
            found = self._progress(wish, manifest, decided, Hearing(voices=voices, now=now)) if wish else {}
            await self._say(manifest, wish, found, now)

    def _manifests(self) -> list[ConfigManifest]:
        return [manifest for key, manifest in self.plan.manifests.items() if key.kind is ConfigKind.DRAIN]

    def _drain(self, manifest: ConfigManifest) -> Drain:
        """One that is refused and was never read by this life asks for what it was granted by an earlier one."""
        name = DrainName(manifest.metadata.name)
        before = self._before(manifest).items()
        granted = frozenset(node for node, said in before if said.phase.is_granted)
        return self.plan.config.drains.get(name) or Drain(name=name, nodes=granted)

    def _before(self, manifest: ConfigManifest) -> Mapping[NodeName, DrainedNode]:
        said = self._said.get(manifest.metadata.name)
        if said and said.uid == manifest.metadata.uid:
            return said.nodes
        return {NodeName(each.node): each for each in manifest.status.nodes}

    def _wish(self, drain: Drain, manifest: ConfigManifest, nodes: Mapping[NodeName, Node]) -> Wish:
        selected = {name for name, node in nodes.items() if drain.concerns(name, node.metadata.labels)}
        wanted, before = frozenset(selected | (drain.nodes or set())), self._before(manifest)
        return Wish(
            drain=drain,
            created=manifest.metadata.creation_timestamp or "",
            nodes=wanted,
            granted=frozenset(name for name in wanted if name in before and before[name].phase.is_granted),
        )

    def _announcers(self, survey: Survey, nodes: Mapping[NodeName, Node], voices: Voices | None) -> Announcers | None:
        slices = survey.found()
        if slices is None:
            return None
        services = (record.service for record in self.plan.records.values() if record.exists)
        return announcers(services, slices, nodes, self.plan.config, voices)

    def _progress(
        self,
        wish: Wish,
        manifest: ConfigManifest,
        decided: Mapping[tuple[DrainName, NodeName], Decision],
        hearing: Hearing,
    ) -> Mapping[NodeName, DrainedNode]:
        before, uid, drain = self._before(manifest), manifest.metadata.uid, wish.drain
        order = sorted(wish.in_order()[:MAX_NODES])
        return {
            node: progress(node, decided[drain.name, node], before.get(node), uid, drain.drain_s, hearing) for node in order
        }

    async def _say(
        self, manifest: ConfigManifest, wish: Wish | None, found: Mapping[NodeName, DrainedNode], now: datetime
    ) -> None:
        name, uid = manifest.metadata.name, manifest.metadata.uid
        verdict = self.plan.verdicts.get(ConfigKey(ConfigKind.DRAIN, name))
        if verdict is None:
            return  # it went while this turn waited for another's answer: the next one forgets it
        nodes = tuple(found.values())
        own = conditions(nodes, ended=wish is None) if verdict.accepted else ()
        status = DrainStatus(
            nodes=nodes,
            total=len(wish.nodes) if wish else 0,
            drained=sum(each.phase is Phase.DRAINED for each in nodes),
            conditions=conditions_of(self.plan, manifest, verdict, now, own),
        )
        said = self._said.get(name)
        written = said.written if said and said.uid == uid else None
        self._log(name, self._before(manifest), found)
        self._said[name] = _Said(uid, found, written)
        if written is None or _meaning(written) != _meaning(status):
            try:
                await self.writer.write(manifest, status)
            except (ConflictError, NotFoundError):
                return  # it is another one meanwhile: a fresh look at it is on its way
            except _FAILURES as error:
                self.errors += 1
                log.warning("status not written", extra=fields(drain=name, why=error))
            else:
                self._said[name] = _Said(uid, found, status)

    @staticmethod
    def _log(name: str, before: Mapping[NodeName, DrainedNode], found: Mapping[NodeName, DrainedNode]) -> None:
        for node, each in found.items():
            known = before.get(node)
            if known is None or (known.phase, known.reason) != (each.phase, each.reason):
                log.info(_WORDS[each.phase], extra=fields(drain=name, node=node, reason=each.reason or None))


def _meaning(status: DrainStatus) -> object:
    """Without the times of conditions, which are what they are read as."""
    return (
        status.nodes,
        status.total,
        [(each.type, each.status, each.reason, each.message, each.observed_generation) for each in status.conditions],
    )
