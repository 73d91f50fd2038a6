"""The speaker: one loop that takes changes of the cluster, hears its witnesses, lets the core decide, and has it done.

One task owns the core, the sessions and the bound VIPs. Whatever a turn asks of the outside is bounded in time and number,
and comes after the withdrawals; only when the peers themselves may be others the kernel is heard first. Shutdown is in one
place: withdraw and close all sessions, then take the VIPs off, then let go of everything else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from bgp_config.names import PeerName
from herald.kube.objects import KubeObject
from herald.kube.source import Change, Changes, Fresh, Stale, Upsert
from herald.kube.staleness import Staleness
from herald.program.logs import fields
from speaker.bind import Binder
from speaker.core import Core, Outcome
from speaker.history import History
from speaker.latency import Latency, Origin
from speaker.long_lived import expect_much, keep_for_good
from speaker.netlink import Netlink
from speaker.not_normal import is_urgent
from speaker.peering import Peering
from speaker.programmer import Programmer
from speaker.reasons import PeerReason, Reason
from speaker.reporter import Report
from speaker.session import Closed, Ended, Engine, Established, InSync, Programmed, SessionEvent
from speaker.settings import Settings
from speaker.state.record import kind_of
from speaker.statement import DataPathReport, Statement
from speaker.status import Moment, Since, node_status, session_statuses
from speaker.surroundings import Surroundings
from speaker.witnesses import Witnesses

log = logging.getLogger(__name__)

TICK_S = 0.5
"""How often things that only time changes are looked at: lingering VIPs, a replacement that takes too long."""
START_LIMIT_S = 10.0
"""How long the kernel may take at the start, before there is any session."""
HANGING_S = 5.0
"""A turn that takes so long is taken for one that hangs: sessions end a dead-man's deadline later (exabgp/shim.py)."""


class Speaker:
    """The loop and what it owns. `on_change` is called when state that people see may have changed."""

    def __init__(self, settings: Settings, netlink: Netlink, changes: Changes, witnesses: Witnesses) -> None:
        self.witnesses = witnesses
        self.core = Core(
            settings.node_name,
            settings.load_balancer_class,
            ignore_exclude_label=settings.ignore_exclude_label,
            admitted=() if witnesses.admission else None,
        )
        self.table = witnesses.drain.table
        self.latency = Latency()
        self.history = History()
        self.surroundings = Surroundings(netlink, self.core)
        self.turned_at = time.monotonic()
        self.on_change: Callable[[], None] = lambda: None
        self._programmer = Programmer(
            self.core,
            self.table,
            self.latency,
            netlink,
            binder=Binder(netlink, settings.bind_device) if settings.bind_device else None,
            permitted=witnesses.bfd.permitted,
        )
        self._changes = changes
        self._peers_refused: Mapping[PeerName, PeerReason] = {}
        self._settings = settings
        self._since = Since()

    @property
    def staleness(self) -> Staleness:
        return self.witnesses.stale.staleness

    def recall(self, objects: Iterable[KubeObject]) -> None:
        """What an earlier speaker knew, before this one runs: the last good form of each object, no more."""
        self._take_in([Upsert(kind_of(each), each.key, each) for each in objects], time.monotonic())

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Until `stop` is set. The engine reports to on_session_event()."""
        async with asyncio.timeout(START_LIMIT_S):
            await self._programmer.start(time.monotonic(), self.surroundings.watch)
        stopping = asyncio.create_task(self._wake_on(stop))
        expect_much()
        with self.surroundings.watch:
            while not stop.is_set() and not self.core.cluster.synced:
                await self._turn(engine, await self._next_changes())
            keep_for_good()
            while not stop.is_set():
                await self._turn(engine, await self._next_changes())
        stopping.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changes.wake()

    async def unbind_all(self) -> None:
        """After all sessions are closed."""
        await self._programmer.unbind_all()

    def is_turning(self) -> bool:
        """False when the loop hangs: what was announced must not outlive that for long."""
        return time.monotonic() - self.turned_at < HANGING_S

    def report(self, moment: Moment) -> Report | None:
        """What this node's objects should say; None while its Node is not known."""
        core, table = self.core, self.table
        if (node := core.cluster.node) is None:
            return None
        told = self._statement(moment)
        return Report(
            node=node,
            bgp_node=node_status(core, table, told, self._since, moment),
            sessions=session_statuses(core, table, told.bfd, self._since, moment),
        )

    def _statement(self, moment: Moment) -> Statement:
        witnesses, admission = self.witnesses, self.witnesses.admission
        return Statement(
            data_path=admission.report() if admission else DataPathReport(kind=str(self._settings.data_path)),
            bfd=witnesses.bfd.report(self.core.peering, moment.monotonic),
            progress=witnesses.drain.progress,
            errors=[*witnesses.by_hand.errors(), *witnesses.memory.errors(), *self._programmer.errors()],
            stale_since=min(self.staleness.since.values(), default=None),
        )

    def on_session_event(self, event: SessionEvent) -> None:
        """Called by the engine, in this loop's thread."""
        self._programmer.on_session_event(event)
        match event:
            case Programmed():
                self.latency.programmed(event.spec, event.prefix, event.attributes, event.at)
                return
            case Established(spec):
                log.info("session established", extra=fields(peer=spec.peer_address, local=spec.local_address))
            case Closed(spec, _, why):
                self.latency.lost(spec)
                log.warning("session down", extra=fields(peer=spec.peer_address, local=spec.local_address, why=why))
            case InSync():
                self._changes.wake()
            case Ended(spec):
                self.latency.lost(spec)
                self._changes.wake()
            case _:
                assert_never(event)
        self.on_change()

    async def _next_changes(self) -> list[Change]:
        try:
            async with asyncio.timeout(TICK_S):
                return await self._changes.take()
        except TimeoutError:
            return []

    async def _turn(self, engine: Engine, changes: list[Change]) -> None:
        core, now = self.core, time.monotonic()
        posted_at = self._changes.posted_at if changes else None
        self.latency.began(Origin(posted=posted_at, taken=now) if posted_at else None)
        self._take_in(changes, now)
        if core.cluster.dirty.everything or any(isinstance(change, Stale | Fresh) for change in changes):
            self.on_change()
        if core.cluster.dirty.everything:
            await self._observe(now)
        core.await_secrets(self.surroundings.awaited_secrets(now))
        outcome = self._decide(now)
        if not await self._programmer.program(engine, outcome, now):
            self._changes.wake()
        await self._programmer.tidy(now)
        if self.surroundings.is_due(now):
            await self._observe(now)
        self._report(outcome, core.peering)
        self.turned_at = time.monotonic()

    def _take_in(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            for witness in self.witnesses:
                witness.hear(change, self.core.cluster, now)
            self.core.apply([change])

    async def _observe(self, now: float) -> None:
        if await self.surroundings.observe(now):
            self._changes.wake()

    def _decide(self, now: float) -> Outcome:
        core, conflicts = self.core, self.core.conflicts
        for witness in self.witnesses:
            witness.testify(core, now)
        outcome = core.step(self._programmer.running)
        for witness in self.witnesses:
            witness.follow(core, outcome.transitions, now)
        self.history.decided(outcome.transitions, now)
        self.latency.decided(outcome.transitions, time.monotonic())
        for conflict in core.conflicts - conflicts:
            log.warning("advertisements disagree", extra=fields(advertisements=conflict.advertisements, what=conflict))
        return outcome

    def _report(self, outcome: Outcome, current: Peering) -> None:
        for t in outcome.transitions:
            level = logging.DEBUG if t.reason is Reason.DATA_PATH_PENDING else logging.INFO
            log.log(level, str(t), extra=fields(service=t.service, vip=t.vip, state=t.state.word, reason=t.reason))
        if any(map(is_urgent, outcome.transitions)):
            self.on_change()
        for prefix in outcome.leaks:
            log.error("the outbound guard held back a route: a bug of Herald", extra=fields(prefix=prefix))
        for peer, reason in current.refused.items():
            if self._peers_refused.get(peer) != reason:
                log.warning("peer has no session", extra=fields(peer=peer, reason=reason, remedy=reason.remedy))
        self._peers_refused = dict(current.refused)
