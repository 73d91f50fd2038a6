"""Decides, for one Service on this node, which VIPs are announced to which peers, and why others are not. Pure.

The answer depends only on the arguments, never on what was decided before; so it can be taken again for one Service or for
all, in any order, and for any node (DESIGN.md, rules 1 to 3).
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeAlias

from bgp_config.config import Advertisement, Peer
from bgp_config.names import Family, IPAddress, NodeName, PeerName, Prefix
from bgp_config.selector import selected
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy
from speaker.asked import Asked, asked
from speaker.endpoints import serving
from speaker.evidence import NORMAL, Claim, Evidence, Standing, worst
from speaker.guard import Guard
from speaker.reasons import Reason
from speaker.route import RouteState

DELETION_TAINTS = frozenset({"ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted"})
"""Whoever sets one of these will delete the node. A cordon (node.kubernetes.io/unschedulable) is none of them."""
LEAVING = frozenset({Reason.NODE_EXCLUDED, Reason.NODE_NETWORK_UNAVAILABLE, Reason.NODE_DELETING})
"""For these a node that announced something may have a grace, in which it is least preferred."""

Holder: TypeAlias = Callable[[IPAddress], ObjectKey | None]
"""Tells which Service an address belongs to when several claim it."""


class Places(Protocol):
    """Which prefixes a peer with a limit takes."""

    def has_place(self, peer: PeerName, prefix: Prefix) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VIPDecision:
    """One VIP: its state, the reason when that is not NORMAL, and what each peer shall be told when it is announced.

    `withheld` are the prefixes that some peers have no place for, while others have.
    """

    vip: IPAddress
    state: RouteState
    reason: Reason | None
    asked: Asked
    withheld: Mapping[PeerName, AbstractSet[Prefix]] = field(default_factory=dict)


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
    `evidence` is what this node knows of itself;
    `admitted` is what the data-path gate let through, None where there is no gate; `held` is what came and went too often;
    `places` are those of peers with a limit.
    """

    name: NodeName
    node: Node | None
    guard: Guard
    peers: Mapping[PeerName, Peer]
    load_balancer_class: str
    ignore_exclude_label: bool = False
    evidence: Evidence = field(default_factory=Evidence)
    admitted: AbstractSet[Claim] | None = None
    held: AbstractSet[Claim] = frozenset()
    places: Places | None = None

    @cached_property
    def refusal(self) -> Reason | None:
        return node_refusal(self.node, ignore_exclude_label=self.ignore_exclude_label)

    @property
    def standing(self) -> Standing:
        """How anything may be announced from this node at best."""
        return worst(self._by_node, self.evidence.of_node)

    @property
    def _by_node(self) -> Standing:
        if self.refusal is None:
            return NORMAL
        is_asked = self.refusal in LEAVING and self.evidence.grace
        return Standing(RouteState.LEAST_PREFERRED if is_asked else RouteState.WITHDRAWN, self.refusal)

    @cached_property
    def advertisements(self) -> tuple[Advertisement, ...]:
        """Those that select this node."""
        labels = self.node.metadata.labels if self.node else {}
        return tuple(a for a in self.guard.config.advertisements.values() if selected(a.node_selectors, labels))


def node_refusal(node: Node | None, *, ignore_exclude_label: bool = False) -> Reason | None:
    """Why nothing should be announced from this node, by its Node object."""
    if node is None:
        return Reason.NODE_UNKNOWN
    if EXCLUDE_LABEL in node.metadata.labels and not ignore_exclude_label:
        return Reason.NODE_EXCLUDED
    if any(c.type == "NetworkUnavailable" and c.status == "True" for c in node.status.conditions):
        return Reason.NODE_NETWORK_UNAVAILABLE
    if node.metadata.deletion_timestamp or any(taint.key in DELETION_TAINTS for taint in node.spec.taints):
        return Reason.NODE_DELETING
    return None


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
    """The worst of all that speaks against it, and of what is equally bad the first."""
    of_node = view.standing
    found = _permitted(vip, service, view, holder) if of_node.state.is_announced else of_node.reason
    if found is None or isinstance(found, Reason):
        return VIPDecision(vip=vip, state=RouteState.WITHDRAWN, reason=found, asked={})
    placed = _placed(found, view)
    if not placed:
        return VIPDecision(vip=vip, state=RouteState.WITHDRAWN, reason=Reason.PREFIX_LIMIT, asked={})
    claim = service.key, vip
    standing = worst(of_node, _by_endpoints(vip, service, slices, view), view.evidence.of(claim), _at_gate(claim, view))
    if not standing.state.is_announced:
        return VIPDecision(vip=vip, state=standing.state, reason=standing.reason, asked={})
    withheld = {peer: rest for peer, prefixes in found.items() if (rest := prefixes.keys() - placed.get(peer, {}).keys())}
    return VIPDecision(vip=vip, state=standing.state, reason=standing.reason, asked=placed, withheld=withheld)


def _placed(found: Asked, view: NodeView) -> Asked:
    """Without the prefixes that are one too many for a peer."""
    places = view.places
    if places is None:
        return found
    placed = {
        peer: {prefix: intent for prefix, intent in prefixes.items() if places.has_place(peer, prefix)}
        for peer, prefixes in found.items()
    }
    return {peer: prefixes for peer, prefixes in placed.items() if prefixes}


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


def _by_endpoints(vip: IPAddress, service: Service, slices: Iterable[EndpointSlice], view: NodeView) -> Standing:
    count = serving(slices, Family.of(vip), view.name, publish_not_ready=service.spec.publish_not_ready_addresses)
    if not count.anywhere:
        return Standing(RouteState.WITHDRAWN, Reason.NO_ENDPOINT)
    if service.spec.external_traffic_policy is not TrafficPolicy.LOCAL:
        return NORMAL
    if not count.here:
        return Standing(RouteState.WITHDRAWN, Reason.NO_LOCAL_ENDPOINT)
    if count.anywhere > count.here and (service.key, vip) in view.held:
        return Standing(RouteState.WITHDRAWN, Reason.FLAPPING)
    return NORMAL if count.staying else Standing(RouteState.LEAST_PREFERRED, Reason.TERMINATING)


def _at_gate(claim: Claim, view: NodeView) -> Standing:
    is_through = view.admitted is None or claim in view.admitted
    return NORMAL if is_through else Standing(RouteState.WITHDRAWN, Reason.DATA_PATH_PENDING)
