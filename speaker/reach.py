"""How far a VIP gets: whether all peers that shall have it do, and from which nodes it is announced. No I/O."""

from bgp_config.names import PeerName, Prefix
from herald.kube.objects import ObjectKey, TrafficPolicy
from speaker.core import Core
from speaker.decide import ServiceDecision, VIPDecision
from speaker.endpoints import can_take_traffic
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.table import SessionTable

NOTHING_HERE = frozenset(
    {Reason.OTHER_CLASS, Reason.NOT_ASSIGNED, Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT, Reason.TERMINATING}
)
"""Reasons for which a node is not expected to announce a VIP, or not normally."""


def presence(core: Core, table: SessionTable, vip: VIPDecision) -> bool | None:
    """Whether the VIP is on the wire, normally preferred; None if this node is not expected to announce it so."""
    if vip.reason in NOTHING_HERE:
        return None
    if vip.state is not RouteState.NORMAL:
        return False
    return _is_on_wire(core, table, vip)


def is_least_preferred(core: Core, table: SessionTable, vip: VIPDecision) -> bool:
    """Whether the VIP is on the wire, least preferred."""
    return vip.state.is_least_preferred and _is_on_wire(core, table, vip)


def _is_on_wire(core: Core, table: SessionTable, vip: VIPDecision) -> bool:
    """To every peer that shall have it."""
    return bool(vip.asked) and all(
        _has(core, table, peer, prefix) for peer, prefixes in vip.asked.items() for prefix in prefixes
    )


def _has(core: Core, table: SessionTable, peer: PeerName, prefix: Prefix) -> bool:
    spec = core.peering.sessions.get(peer)
    record = table.records.get(spec) if spec else None
    return record is not None and prefix in record.on_wire


class NextHopSets:
    """Counts the distinct sets of nodes with serving endpoints, and looks again only at what was decided again.

    Without externalTrafficPolicy Local every node announces: these Services are one set.
    """

    def __init__(self) -> None:
        self._known: dict[ObjectKey, tuple[ServiceDecision, frozenset[str] | None]] = {}

    def count(self, core: Core) -> int:
        """A decision is made anew whenever the endpoints of its Service changed."""
        known, self._known = self._known, {}
        for key, decision in core.decisions.items():
            if decision.vips:
                before = known.get(key)
                is_same = before is not None and before[0] is decision
                self._known[key] = before if before and is_same else (decision, _nodes(core, key))
        return len({nodes for _, nodes in self._known.values()} - {frozenset()})


def _nodes(core: Core, key: ObjectKey) -> frozenset[str] | None:
    """None: every node."""
    service = core.cluster.services.get(key)
    endpoints = (e for each in core.cluster.slices_of(key).values() for e in each.endpoints)
    serving = frozenset(e.node_name for e in endpoints if e.node_name and can_take_traffic(e))
    is_local = service is None or service.spec.external_traffic_policy is TrafficPolicy.LOCAL
    return serving if is_local or not serving else None
