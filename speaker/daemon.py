"""The speaker: one loop that takes changes of the cluster, lets the core decide, and has the routes programmed.

One task owns the core, the sessions and the bound VIPs. Whatever a turn asks of the outside is bounded in time and number,
and comes after the withdrawals; only when the peers themselves may be others the kernel is heard first. Shutdown is in one
place: withdraw and close all sessions, then take the VIPs off, then let go of everything else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import IPAddress, NodeName, PeerName, Prefix, host_prefix
from herald.kube.objects import ObjectKey
from herald.kube.source import Change, Changes, Fresh, Stale
from herald.kube.staleness import Staleness
from herald.program.logs import fields
from speaker.admission import Admission
from speaker.bfd.witness import BfdWitness
from speaker.bind import SLICE, Binder
from speaker.core import Core, Outcome
from speaker.data_path import DataPath, NoGate, question_of
from speaker.flaps import Flaps
from speaker.history import History
from speaker.latency import Latency, Origin
from speaker.long_lived import keep_for_good
from speaker.netlink import Netlink
from speaker.netwatch import NetworkWatch
from speaker.peering import NodeNetwork, Peering, secret_key
from speaker.reasons import PeerReason, Reason
from speaker.reporter import Report
from speaker.route import PathAttributes
from speaker.session import Closed, Ended, Engine, Established, InSync, Programmed, SessionEvent, SessionSpec
from speaker.sessions import Phase, Sessions
from speaker.status import DataPathReport, Moment, Since, node_status, session_statuses
from speaker.table import SessionTable
from speaker.unreachable import UnreachableRoutes

log = logging.getLogger(__name__)

TICK_S = 0.5
"""How often things that only time changes are looked at: lingering VIPs, a replacement that takes too long."""
START_LIMIT_S = 10.0
"""How long the kernel may take at the start, before there is any session."""
HANGING_S = 5.0
"""A turn that takes so long is taken for one that hangs: sessions end a dead-man's deadline later (exabgp/shim.py)."""
OBSERVE_S = 0.2
"""The kernel is asked how peers are reached when it said that something changed, but not more often than this."""
OBSERVE_LIMIT_S = 3.0
"""How long the kernel may take to say it, with ten thousand addresses; else the speaker goes on with what it knew."""

SECRETS_S = 2.0
"""How long a Secret that a peer names anew may take to be heard of, before its session ends for want of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The speaker's flags. `bind_device` None: VIPs are not bound."""

    node_name: NodeName
    runtime_dir: Path
    load_balancer_class: str
    bind_device: str | None = None
    ignore_exclude_label: bool = False
    data_path: DataPath = field(default_factory=NoGate)
    data_path_timeout_s: float = 5.0
    service_metrics: bool = True


class Speaker:
    """The loop and what it owns.

    `on_change` is called when state that people see may have changed, `want_secrets` with the Secrets that the peers need.
    """

    def __init__(self, settings: Settings, netlink: Netlink, changes: Changes) -> None:
        question = question_of(settings.data_path)
        self.admission = (
            Admission(str(settings.data_path), question, settings.data_path_timeout_s, changes.wake) if question else None
        )
        self.core = Core(
            settings.node_name,
            settings.load_balancer_class,
            ignore_exclude_label=settings.ignore_exclude_label,
            admitted=() if self.admission else None,
        )
        self.table = SessionTable()
        self.latency = Latency()
        self.bfd = BfdWitness(settings.runtime_dir, changes.wake)
        self.history = History()
        self.staleness = Staleness()
        self._sessions = Sessions()
        self._netlink = netlink
        self._changes = changes
        self._binder = Binder(netlink, settings.bind_device) if settings.bind_device else None
        self._unreachable = UnreachableRoutes(netlink)
        self._flaps = Flaps()
        self._watch = NetworkWatch()
        self._network = NodeNetwork()
        self._observed_at = float("-inf")
        self.turned_at = time.monotonic()
        self._peers_refused: Mapping[PeerName, PeerReason] = {}
        self._settings = settings
        self._since = Since()
        self._wanted_since: dict[ObjectKey, float] = {}
        self.on_change: Callable[[], None] = _nobody
        self.want_secrets: Callable[[Iterable[ObjectKey]], None] = _nobody

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Until `stop` is set. The engine reports to on_session_event()."""
        async with asyncio.timeout(START_LIMIT_S):
            if self._binder:
                self._watch.pass_over(await self._binder.start(time.monotonic()))
            await self._unreachable.start()
        stopping = asyncio.create_task(self._wake_on(stop))
        with self._watch:
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
        await self._unreachable.remove((), lambda _: False)
        if self._binder:
            await self._binder.unbind_all()

    def is_turning(self) -> bool:
        """False when the loop hangs: what was announced must not outlive that for long."""
        return time.monotonic() - self.turned_at < HANGING_S

    def report(self, moment: Moment) -> Report | None:
        """What this node's objects should say; None while its Node is not known."""
        core, table = self.core, self.table
        if (node := core.cluster.node) is None:
            return None
        data_path = self.admission.report() if self.admission else DataPathReport(kind=str(self._settings.data_path))
        return Report(
            node=node,
            bgp_node=node_status(core, table, data_path, self._since, moment),
            sessions=session_statuses(core, table, self._since, moment),
        )

    def on_session_event(self, event: SessionEvent) -> None:
        """Called by the engine, in this loop's thread."""
        left = self.table.apply(event)
        if self._binder:
            self._binder.release((p.network_address for p in left), event.at)
        match event:
            case Programmed():
                self.latency.programmed(event.spec, event.prefix, event.attributes, event.at)
                return
            case Established(spec):
                log.info("session established", extra=fields(peer=spec.peer_address, local=spec.local_address))
            case Closed(spec, _, why):
                self.latency.lost(spec)
                log.warning("session down", extra=fields(peer=spec.peer_address, local=spec.local_address, why=why))
            case InSync(spec):
                self._sessions.in_sync(spec)
                self._changes.wake()
            case Ended(spec):
                self.latency.lost(spec)
                self._sessions.ended(spec)
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
        self.staleness.heard(changes, now)
        self._take_in(changes, now)
        if core.cluster.dirty.everything or any(isinstance(change, Stale | Fresh) for change in changes):
            self.on_change()
        if core.cluster.dirty.everything:
            await self._observe(now)
        core.await_secrets(self._awaited_secrets(now))
        core.let_go(self._flaps.release(now))
        conflicts = core.conflicts
        outcome = core.step(self._sessions.running)
        core.hold(self._flaps.follow(outcome.transitions, now))
        if self.admission:
            self.admission.follow(core, outcome.transitions, now)
        self.history.decided(outcome.transitions, now)
        self.latency.decided(outcome.transitions, time.monotonic())
        self.bfd.follow(core, now)
        await self._program(engine, outcome, now)
        await self._unbind_due(now)
        if self._watch.changed and now - self._observed_at >= OBSERVE_S:
            await self._observe(now)
        self._report(outcome, core.peering)
        for conflict in core.conflicts - conflicts:
            log.warning("advertisements disagree", extra=fields(advertisements=conflict.advertisements, what=conflict))
        self.turned_at = time.monotonic()

    def _take_in(self, changes: list[Change], now: float) -> None:
        if self.admission:
            self.admission.apply(self.core, changes, now)
            self.admission.release(self.core, now)
        else:
            self.core.apply(changes)

    def _awaited_secrets(self, now: float) -> frozenset[ObjectKey]:
        """Wanted, but not for long enough that the source would have told of them."""
        unheard = self._wanted_since.keys() - self.core.cluster.secrets.keys()
        return frozenset(key for key in unheard if now - self._wanted_since[key] < SECRETS_S)

    async def _observe(self, now: float) -> None:
        self._watch.forget()
        refs = (peer.password_secret for peer in self.core.peers())
        wanted = {secret_key(ref) for ref in refs if ref}
        self._wanted_since = {key: self._wanted_since.get(key, now) for key in wanted}
        self.want_secrets(wanted)
        self._observed_at = now
        try:
            async with asyncio.timeout(OBSERVE_LIMIT_S):
                self._network = await self._netlink.observe(self.core.unsourced(), self._network)
        except (NetlinkError, TimeoutError) as error:
            self._watch.remember()
            self._observed_at = now + OBSERVE_LIMIT_S
            log.warning("the kernel does not say how peers are reached", extra=fields(why=error or "no answer in time"))
        if self.core.learn(self._network):
            self._changes.wake()

    async def _program(self, engine: Engine, outcome: Outcome, now: float) -> None:
        """Withdrawals first: they wait for nothing. A VIP is bound before it is announced, an aggregate unreachable.

        As long as VIPs wait to be bound the loop turns without a pause, so that a withdrawal waits for one slice of them.
        """
        ribs, binder = self.core.ribs, self._binder
        for spec, routes in ribs.take_withdrawals().items():
            self._apply(engine, spec, routes)
        if binder:
            binder.drop(outcome.lost, now)
            binder.want(outcome.gained, now)
            await binder.bind(now)
        await self._unreachable.add(self.core.aggregates)
        for spec, routes in ribs.take_changes(self._waits).items():
            self._apply(engine, spec, routes)
        if binder and binder.is_busy(now):
            self._changes.wake()
            return  # a session is opened with all its routes
        moves = self._sessions.moves(self.bfd.permitted(self.core.peering.sessions.values(), now), now)
        for spec in moves.close:
            engine.close(spec)
        for spec in moves.open:
            engine.open(spec, {prefix: how for prefix, how in ribs.table(spec).items() if not self._waits(prefix)})

    def _waits(self, prefix: Prefix) -> bool:
        """For its VIP to be bound."""
        is_host = prefix.prefixlen == prefix.max_prefixlen
        return self._binder is not None and is_host and self._binder.waits(prefix.network_address)

    def _apply(self, engine: Engine, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes | None]) -> None:
        running = self._sessions.running.get(spec)
        if routes and running and running.phase is not Phase.CLOSING:
            if running.phase is Phase.IN_SYNC:
                self.latency.told(spec, routes, time.monotonic())
            engine.apply(spec, routes)

    async def _unbind_due(self, now: float) -> None:
        await self._unreachable.remove(self.core.aggregates, self.table.is_on_wire)
        if not (binder := self._binder):
            return
        free: list[IPAddress] = []
        for vip in binder.due(now):
            if self.core.announces(vip):
                binder.keep(vip)
            elif not self.table.is_on_wire(host_prefix(vip)):
                free.append(vip)
        await binder.unbind(free[:SLICE])

    def _report(self, outcome: Outcome, current: Peering) -> None:
        for t in outcome.transitions:
            level = logging.DEBUG if t.reason is Reason.DATA_PATH_PENDING else logging.INFO
            log.log(level, str(t), extra=fields(service=t.service, vip=t.vip, state=t.state.name, reason=t.reason))
        for prefix in outcome.leaks:
            log.error("the outbound guard held back a route: a bug of Herald", extra=fields(prefix=prefix))
        for peer, reason in current.refused.items():
            if self._peers_refused.get(peer) != reason:
                log.warning("peer has no session", extra=fields(peer=peer, reason=reason, remedy=reason.remedy))
        self._peers_refused = dict(current.refused)


def _nobody(*_: object) -> None:
    """Whom to tell when there is nobody."""
