"""Decides, for one Service on this node, which VIPs are announced to which peers, and why others are not. Pure.

The answer depends only on the arguments, never on what was decided before; so it can be taken again for one Service or for
all, in any order, and for any node (DESIGN.md, rules 1 to 3).
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from bgp_config.config import Advertisement, Peer, Pool
from bgp_config.names import Family, IPAddress, NodeName, PeerName
from bgp_config.selector import selected
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy
from speaker.attributes import Intent
from speaker.endpoints import serving
from speaker.guard import Guard
from speaker.reasons import Reason
from speaker.route import RouteState

Claim: TypeAlias = tuple[ObjectKey, IPAddress]
"""A Service and one of its VIPs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VIPDecision:
    """One VIP: its state, the reason when that is not NORMAL, and what each peer shall be told when it is announced."""

    vip: IPAddress
    state: RouteState
    reason: Reason | None
    intents: Mapping[PeerName, Intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDecision:
    """All VIPs of one Service; `reason` says why there are none."""

    service: ObjectKey
    reason: Reason | None
    vips: tuple[VIPDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """What decisions on this node share. Made anew when the configuration or the node changes.

    `peers` are those with a session here; `load_balancer_class` is the class that Herald serves besides none at all;
    `admitted` is what the data-path gate let through, None where there is no gate.
    """

    name: NodeName
    node: Node | None
    guard: Guard
    peers: Mapping[PeerName, Peer]
    load_balancer_class: str
    ignore_exclude_label: bool = False
    admitted: AbstractSet[Claim] | None = None

    @cached_property
    def refusal(self) -> Reason | None:
        """Why this node announces nothing at all, if so."""
        if self.node is None:
            return Reason.NODE_UNKNOWN
        if EXCLUDE_LABEL in self.node.metadata.labels and not self.ignore_exclude_label:
            return Reason.NODE_EXCLUDED
        if any(c.type == "NetworkUnavailable" and c.status == "True" for c in self.node.status.conditions):
            return Reason.NODE_NETWORK_UNAVAILABLE
        return None

    @cached_property
    def advertisements(self) -> tuple[Advertisement, ...]:
        """Those that select this node."""
        labels = self.node.metadata.labels if self.node else {}
        return tuple(a for a in self.guard.config.advertisements.values() if selected(a.node_selectors, labels))


def decide(
    service: Service, slices: Iterable[EndpointSlice], view: NodeView, holder: Callable[[IPAddress], ObjectKey | None]
) -> ServiceDecision:
    """`slices` are the Service's own; `holder` tells which Service an address belongs to when several claim it."""
    if service.spec.load_balancer_class not in {None, view.load_balancer_class}:
        return ServiceDecision(service=service.key, reason=Reason.OTHER_CLASS)
    vips = service.vips
    if not vips:
        return ServiceDecision(service=service.key, reason=Reason.NOT_ASSIGNED)
    slices = tuple(slices)
    decisions = tuple(_decide_vip(vip, service, slices, view, holder) for vip in vips)
    return ServiceDecision(service=service.key, reason=None, vips=decisions)


def _decide_vip(
    vip: IPAddress,
    service: Service,
    slices: Iterable[EndpointSlice],
    view: NodeView,
    holder: Callable[[IPAddress], ObjectKey | None],
) -> VIPDecision:
    intents: Mapping[PeerName, Intent] = {}
    reason = view.refusal or view.guard.refusal(vip)
    if reason is None and holder(vip) != service.key:
        reason = Reason.DUPLICATE_ADDRESS
    if reason is None:
        intents, reason = _intents(vip, service, view)
    if reason is None:
        reason = _endpoint_refusal(service, slices, Family.of(vip), view.name)
    if reason is None and view.admitted is not None and (service.key, vip) not in view.admitted:
        reason = Reason.DATA_PATH_PENDING
    if reason is not None:
        return VIPDecision(vip=vip, state=RouteState.WITHDRAWN, reason=reason, intents={})
    return VIPDecision(vip=vip, state=RouteState.NORMAL, reason=None, intents=intents)


def _intents(vip: IPAddress, service: Service, view: NodeView) -> tuple[Mapping[PeerName, Intent], Reason | None]:
    """What each peer shall be told: the union of all advertisements that select pool, Service, node and peer."""
    pool = view.guard.config.pool_of(vip)
    advertisements = [a for a in view.advertisements if _advertises(a, pool, service)]
    if not advertisements:
        return {}, Reason.NO_ADVERTISEMENT
    intents: dict[PeerName, Intent] = {}
    for peer in view.peers.values():
        chosen = [a for a in advertisements if a.peers is None or peer.name in a.peers]
        if chosen and Family.of(vip) in (peer.families or ()):
            intents[peer.name] = Intent.union(chosen)
    return intents, None if intents else Reason.NO_PEER


def _advertises(advertisement: Advertisement, pool: Pool | None, service: Service) -> bool:
    in_pool = pool is not None and (advertisement.pools is None or pool.name in advertisement.pools)
    return in_pool and selected(advertisement.service_selectors, service.metadata.labels)


def _endpoint_refusal(service: Service, slices: Iterable[EndpointSlice], family: Family, node: NodeName) -> Reason | None:
    count = serving(slices, family, node, publish_not_ready=service.spec.publish_not_ready_addresses)
    if not count.anywhere:
        return Reason.NO_ENDPOINT
    if service.spec.external_traffic_policy is TrafficPolicy.LOCAL and not count.here:
        return Reason.NO_LOCAL_ENDPOINT
    return None
