"""Drains this node while the controller grants it: least preferred first, and withdrawn once the traffic has had its time.

- The wait of drainSeconds begins when the last route is on every wire as the least preferred one; a router that does not
  come up, or takes nothing, holds it up for WIRE_LIMIT_S at most.
- The grant is in the Drain's status, so a speaker that starts while it stands is least preferred from its first route on,
  and waits the whole time again. What was Drained when it started stays withdrawn: nobody sends traffic there any more.
- Drained is said when no router has a route of this node any more: each one's withdrawals are on the wire. One without a
  session is presumed to have noticed that after the hold time, as our last word may be lost, and to keep nothing longer than
  the restart time from then on (RFC 4724). One that takes nothing from an open session holds Drained up; one that has no
  session by configuration or for want of a route is not waited for.
- When the last grant goes, by undrain, by the end of the Drain or by `until`, the node is normal at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bgp_config.config import Drain
from bgp_config.names import DrainName, NodeName
from bgp_config.status.drain import Phase, grant_of
from bgp_config.status.node import MAX_GRANTS
from herald.kube.objects import ConfigManifest, Kind
from herald.kube.source import Change, Gone, Upsert
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.evidence import Source, Standing
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.session import SessionSpec, SessionState
from speaker.table import SessionRecord, SessionTable
from speaker.witness import Witness

WIRE_LIMIT_S = 10.0
STANDINGS: Mapping[Phase, Standing] = {
    Phase.DRAINING: Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING),
    Phase.DRAINED: Standing(RouteState.WITHDRAWN, Reason.DRAINED),
}
"""What each phase makes of the node's routes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A grant for this node that is in force. `phase` is how far the controller takes the node to be."""

    grant: str
    drain_s: float
    phase: Phase = Phase.DRAINING


@dataclass(slots=True)
class Progress:
    """How far this node is. `phase` None: it is not drained. Times are seconds of one monotonic clock.

    `is_out`: it is Drained, and no router has a route of it any more.
    """

    phase: Phase | None = None
    is_out: bool = False
    grants: tuple[str, ...] = ()
    _looked: bool = False
    _began: float = 0.0

    @property
    def said(self) -> Phase | None:
        """How far it is for others."""
        return Phase.DRAINING if self.phase is Phase.DRAINED and not self.is_out else self.phase

    def look(self, orders: tuple[Order, ...], settled_at: float | None, now: float) -> None:
        """`settled_at`: since when every wire says what it shall; None while one does not."""
        is_first, self._looked = not self._looked, True
        unanswered_first = sorted(orders, key=lambda order: order.phase is Phase.DRAINED)
        self.grants = tuple(order.grant for order in unanswered_first)[:MAX_GRANTS]
        if not orders:
            self.phase, self.is_out = None, False
        elif self.phase is None:
            self.is_out = is_first and any(order.phase is Phase.DRAINED for order in orders)
            self.phase, self._began = (Phase.DRAINED if self.is_out else Phase.DRAINING), now
        elif self.phase is Phase.DRAINING and now >= self._waits_since(settled_at) + max(each.drain_s for each in orders):
            self.phase, self._began = Phase.DRAINED, now

    def compare(self, sessions: Iterable[tuple[SessionSpec, SessionRecord | None]], now: float) -> None:
        """What the routers have; of each of the node's sessions, without a record if it was never tried."""
        if self.phase is Phase.DRAINED and not self.is_out:
            self.is_out = all(_has_nothing(spec, record, self._began, now) for spec, record in sessions)

    def _waits_since(self, settled_at: float | None) -> float:
        at_the_latest = self._began + WIRE_LIMIT_S
        return at_the_latest if settled_at is None else min(max(self._began, settled_at), at_the_latest)


@dataclass(slots=True)
class DrainWitness(Witness):
    """One owner: the daemon's loop. `wall` tells the time of day, in seconds since 1970.

    `grants_itself`: there is no controller, so that every Drain counts as granted.
    """

    table: SessionTable
    wall: Callable[[], float]
    grants_itself: bool = False
    progress: Progress = field(default_factory=Progress)
    _manifests: dict[str, ConfigManifest] = field(default_factory=dict)
    _compared: tuple[int, int] | None = None
    _settled: float | None = None

    def hear(self, change: Change, before: Cluster, now: float) -> None:  # noqa: ARG002 -- a witness's words
        match change:
            case Upsert(object=ConfigManifest(kind=Kind.DRAIN) as manifest):
                self._manifests[manifest.metadata.name] = manifest
            case Gone(kind=Kind.DRAIN, key=key):
                self._manifests.pop(key.name, None)

    def testify(self, core: Core, now: float) -> None:
        if not core.cluster.synced:
            return
        sessions = core.peering.sessions.values()
        self.progress.compare(((spec, self.table.records.get(spec)) for spec in sessions), now)
        self.progress.look(tuple(self._orders(core.cluster)), self._settled_at(core), now)
        core.stand(Source.DRAIN, STANDINGS.get(self.progress.phase) if self.progress.phase else None)

    def _orders(self, cluster: Cluster) -> Iterator[Order]:
        node, labels = cluster.node_name, cluster.node.metadata.labels if cluster.node else {}
        for name, manifest in sorted(self._manifests.items()):
            # One that is refused and was never read by this life asks for nothing, but what it was granted stands.
            drain = cluster.config.drains.get(DrainName(name), Drain(name=DrainName(name), nodes=frozenset()))
            if drain.until is not None and self.wall() >= drain.until:
                continue
            if self.grants_itself and drain.concerns(node, labels):
                yield Order(grant=manifest.metadata.uid, drain_s=drain.drain_s)
            elif not self.grants_itself and (granted := _granted(manifest, node)):
                grant, phase = granted
                yield Order(grant=grant, drain_s=drain.drain_s, phase=phase)

    def _settled_at(self, core: Core) -> float | None:
        """Compares all routes, so only while the node drains, and again only after something was desired or programmed."""
        if self.progress.phase is not Phase.DRAINING:
            return None
        compared = core.ribs.revision, self.table.revision
        if compared != self._compared:
            self._compared, self._settled = compared, self._compare(core)
        return self._settled

    def _compare(self, core: Core) -> float | None:
        at = 0.0
        for spec in core.peering.sessions.values():
            record = self.table.records.get(spec)
            if record is None or record.state is not SessionState.ESTABLISHED or record.on_wire != core.ribs.table(spec):
                return None
            at = max(at, record.programmed_at)
        return at


def _has_nothing(spec: SessionSpec, record: SessionRecord | None, withdrawn_at: float, now: float) -> bool:
    """Whether this router has no route of the node any more: presumed of one without a session, which may notice that late.

    A session of which nothing is known is taken to have been lost when the routes were withdrawn.
    """
    if record is None or record.state is not SessionState.ESTABLISHED:
        lost_at = record.since if record else withdrawn_at
        return now >= lost_at + spec.hold_time_s + (spec.graceful_restart_s or 0)
    return record.in_sync and not record.on_wire


def _granted(manifest: ConfigManifest, node: NodeName) -> tuple[str, Phase] | None:
    """The grant for this node, whatever the Drain's spec says by now: the controller takes back what is no longer asked."""
    for each in manifest.status.nodes:
        if each.node == node and each.phase.is_granted and each.granted:
            return grant_of(manifest.metadata.uid, each.granted), each.phase
    return None
