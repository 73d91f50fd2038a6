"""Decides, for one Service on this node, which VIPs are announced to which peers, and why others are not. Pure.

The answer depends only on the arguments, never on what was decided before; so it can be taken again for one Service or for
all, in any order, and for any node (DESIGN.md, rules 1 to 3).
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

from bgp_config.config import Advertisement, Peer
from bgp_config.names import Family, IPAddress, NodeName, PeerName, Prefix
from bgp_config.selector import selected
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy
from speaker.asked import Asked, asked
from speaker.endpoints import serving
from speaker.guard import Guard
from speaker.reasons import Reason
from speaker.route import RouteState

Claim: TypeAlias = tuple[ObjectKey, IPAddress]
"""A Service and one of its VIPs."""


Holder: TypeAlias = Callable[[IPAddress], ObjectKey | None]
"""Tells which Service an address belongs to when several claim it."""


class Places(Protocol):
    """Which prefixes a peer with a limit takes."""

    def has_place(self, peer: PeerName, prefix: Prefix) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VIPDecision:
    """One VIP: its state, the reason when that is not NORMAL, and what each peer shall be told when it is announced."""

    vip: IPAddress
    state: RouteState
    reason: Reason | None
    asked: Asked


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
    `admitted` is what the data-path gate let through, None where there is no gate; `held` is what came and went too often;
    `places` are those of peers with a limit.
    """

    name: NodeName
    node: Node | None
    guard: Guard
    peers: Mapping[PeerName, Peer]
    load_balancer_class: str
    ignore_exclude_label: bool = False
    admitted: AbstractSet[Claim] | None = None
    held: AbstractSet[Claim] = frozenset()
    places: Places | None = None

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


def decide(service: Service, slices: Iterable[EndpointSlice], view: NodeView, holder: Holder) -> ServiceDecision:
    """`slices` are the Service's own."""
    if service.spec.load_balancer_class not in {None, view.load_balancer_class}:
        return ServiceDecision(service=service.key, reason=Reason.OTHER_CLASS)
    vips = service.vips
    if not vips:
        return ServiceDecision(service=service.key, reason=Reason.NOT_ASSIGNED)
    slices = tuple(slices)
    decisions = tuple(_decide_vip(vip, service, slices, view, holder) for vip in vips)
    return ServiceDecision(service=service.key, reason=None, vips=decisions)


def wishes(service: Service, view: NodeView, holder: Holder) -> Mapping[PeerName, AbstractSet[Prefix]]:
    """The prefixes that the Service wants at each peer, whether it is healthy or not."""
    wanted: dict[PeerName, set[Prefix]] = {}
    if service.spec.load_balancer_class in {None, view.load_balancer_class}:
        for vip in service.vips:
            found = _permitted(vip, service, view, holder)
            for peer, prefixes in found.items() if not isinstance(found, Reason) else ():
                wanted.setdefault(peer, set()).update(prefixes)
    return wanted


def _decide_vip(
    vip: IPAddress, service: Service, slices: Iterable[EndpointSlice], view: NodeView, holder: Holder
) -> VIPDecision:
    found = view.refusal or _placed(vip, service, view, holder)
    reason = found if isinstance(found, Reason) else _endpoint_refusal(vip, service, slices, view)
    if reason is None and view.admitted is not None and (service.key, vip) not in view.admitted:
        reason = Reason.DATA_PATH_PENDING
    if reason is not None or isinstance(found, Reason):
        return VIPDecision(vip=vip, state=RouteState.WITHDRAWN, reason=reason, asked={})
    return VIPDecision(vip=vip, state=RouteState.NORMAL, reason=None, asked=found)


def _placed(vip: IPAddress, service: Service, view: NodeView, holder: Holder) -> Asked | Reason:
    """What peers shall be told, without the prefixes that are one too many for them."""
    found = _permitted(vip, service, view, holder)
    places = view.places
    if places is None or isinstance(found, Reason):
        return found
    placed = {
        peer: {prefix: intent for prefix, intent in prefixes.items() if places.has_place(peer, prefix)}
        for peer, prefixes in found.items()
    }
    return {peer: prefixes for peer, prefixes in placed.items() if prefixes} or Reason.PREFIX_LIMIT


def _permitted(vip: IPAddress, service: Service, view: NodeView, holder: Holder) -> Asked | Reason:
    """What peers shall be told, as far as the guard permits it."""
    if reason := view.guard.refusal(vip):
        return reason
    if holder(vip) != service.key:
        return Reason.DUPLICATE_ADDRESS
    found = asked(vip, service, view.advertisements, view.peers.values(), view.guard.config.pools_of(vip))
    if isinstance(found, Reason):
        return found
    permitted = {
        peer: {prefix: intent for prefix, intent in prefixes.items() if view.guard.permits(prefix)}
        for peer, prefixes in found.items()
    }
    return {peer: prefixes for peer, prefixes in permitted.items() if prefixes} or Reason.AGGREGATE_FORBIDDEN


def _endpoint_refusal(vip: IPAddress, service: Service, slices: Iterable[EndpointSlice], view: NodeView) -> Reason | None:
    count = serving(slices, Family.of(vip), view.name, publish_not_ready=service.spec.publish_not_ready_addresses)
    if not count.anywhere:
        return Reason.NO_ENDPOINT
    if service.spec.external_traffic_policy is not TrafficPolicy.LOCAL:
        return None
    if not count.here:
        return Reason.NO_LOCAL_ENDPOINT
    elsewhere = count.anywhere > count.here
    return Reason.FLAPPING if elsewhere and (service.key, vip) in view.held else None
