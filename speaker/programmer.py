"""Has done what the core decided: the engine announces and withdraws, VIPs are bound and aggregates are unreachable here.

Withdrawals first: they wait for nothing. A VIP is bound before it is announced, and taken off once it is on no wire.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from bgp_config.names import IPAddress, Prefix, host_prefix
from speaker.bfd.watch import Permitted
from speaker.bind import MOST_NAMED, SLICE, Binder
from speaker.core import Core, Outcome
from speaker.latency import Latency
from speaker.netlink import Netlink
from speaker.netwatch import NetworkWatch
from speaker.route import PathAttributes
from speaker.session import Ended, Engine, InSync, SessionEvent, SessionSpec
from speaker.sessions import Phase, Sessions
from speaker.table import SessionTable
from speaker.unreachable import UnreachableRoutes

Permit: TypeAlias = Callable[[Iterable[SessionSpec], float], Permitted]


class Programmer:
    """One owner: the daemon's loop. `binder` None: VIPs are not bound. `permitted` tells which sessions may be open now."""

    def __init__(
        self,
        core: Core,
        table: SessionTable,
        latency: Latency,
        netlink: Netlink,
        binder: Binder | None,
        permitted: Permit,
    ) -> None:
        self._core = core
        self._table = table
        self._latency = latency
        self._sessions = Sessions()
        self._binder = binder
        self._permitted = permitted
        self._unreachable = UnreachableRoutes(netlink)

    @property
    def running(self) -> Mapping[SessionSpec, object]:
        """The sessions that were opened and have not ended."""
        return self._sessions.running

    async def start(self, now: float, watch: NetworkWatch) -> None:
        """The watch tells from now on what leaves the device that VIPs are bound to."""
        if self._binder:
            self._binder.on_device, watch.on_taken_off = watch.pass_over, self._binder.doubt
            await self._binder.start(now)
        await self._unreachable.start()

    def errors(self) -> Iterator[tuple[str, str, str]]:
        """About what, a reason and a text for people."""
        if self._binder and self._binder.refused:
            some = ", ".join(str(vip) for vip in sorted(self._binder.refused, key=str)[:MOST_NAMED])
            text = f"{len(self._binder.refused)} VIPs cannot be bound and are not announced: {some}; see the speaker's log"
            yield "--bind-vips", "bindRefused", text

    def on_session_event(self, event: SessionEvent) -> None:
        """What it means for sessions and bound VIPs."""
        left = self._table.apply(event)
        if self._binder:
            self._binder.release((p.network_address for p in left), event.at)
        match event:
            case InSync(spec):
                self._sessions.in_sync(spec)
            case Ended(spec):
                self._sessions.ended(spec)
            case _:
                pass

    async def program(self, engine: Engine, outcome: Outcome, now: float) -> bool:
        """Whether it is done. While VIPs wait to be bound it is not: a withdrawal waits for one slice of them at most."""
        ribs, binder = self._core.ribs, self._binder
        for spec, routes in ribs.take_withdrawals().items():
            self._apply(engine, spec, routes)
        if binder:
            binder.drop(outcome.lost, now)
            binder.want(outcome.gained, now)
            await binder.bind(now)
        await self._unreachable.add(self._core.aggregates)
        for spec, routes in ribs.take_changes(self._waits).items():
            self._apply(engine, spec, routes)
        if binder and binder.is_busy(now):
            return False  # a session is opened with all its routes
        permitted = self._permitted(self._core.peering.sessions.values(), now)
        moves = self._sessions.moves(permitted.sessions, now, permitted.mute)
        for spec in moves.close:
            engine.close(spec)
        for spec in moves.open:
            engine.open(spec, self._table_of(spec) if spec not in permitted.mute else {})
        for spec in moves.speak:
            engine.apply(spec, self._table_of(spec))
        return True

    async def tidy(self, now: float) -> None:
        """Takes off what is on no wire any more. What an earlier speaker left stays until it is known what shall be."""
        if not self._core.cluster.synced:
            return
        await self._unreachable.remove(self._core.aggregates, self._table.is_on_wire)
        if not (binder := self._binder):
            return
        free: list[IPAddress] = []
        for vip in binder.due(now):
            if self._core.announces(vip):
                binder.keep(vip)
            elif not self._table.is_on_wire(host_prefix(vip)):
                free.append(vip)
        await binder.unbind(free[:SLICE])

    async def unbind_all(self) -> None:
        """After all sessions are closed. What an earlier speaker left stays if this one has not decided anything."""
        if not self._core.cluster.synced:
            return
        await self._unreachable.remove((), lambda _: False)
        if self._binder:
            await self._binder.unbind_all()

    def _table_of(self, spec: SessionSpec) -> dict[Prefix, PathAttributes]:
        """What the session shall say, but for what has to wait."""
        return {prefix: how for prefix, how in self._core.ribs.table(spec).items() if not self._waits(prefix)}

    def _waits(self, prefix: Prefix) -> bool:
        """For its VIP to be bound."""
        is_host = prefix.prefixlen == prefix.max_prefixlen
        return self._binder is not None and is_host and self._binder.waits(prefix.network_address)

    def _apply(self, engine: Engine, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes | None]) -> None:
        running = self._sessions.running.get(spec)
        if routes and running and running.phase is not Phase.CLOSING and not running.is_mute:
            if running.phase is Phase.IN_SYNC:
                self._latency.told(spec, routes, time.monotonic())
            engine.apply(spec, routes)
