"""Which nodes announce the VIPs of each Service normally, as far as objects and the speakers' own word tell. Pure.

The controller does not decide routes: it must only never take away the last normal route. So another node counts only where
everything that can be seen speaks for it, and the node in question wherever its endpoints do; what the controller cannot
see (a router's policy, say) counts for nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias, TypeVar

from bgp_config.config import Advertisement, Config, Peer
from bgp_config.names import AdvertisementName, Family, IPAddress, NodeName
from bgp_config.selector import selected
from herald.kube.node_value import address_on
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy

Claim: TypeAlias = tuple[ObjectKey, IPAddress]
"""A Service and one of its VIPs."""
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What a node's speaker says of itself. `announces`: it is heard, has a session, nothing holds the whole node back, and
    it has not too many troubles to name them all. `to_all_peers`: all its sessions are up.

    `not_normal` are VIPs, or all of a Service, that it does not announce as it should, for reasons that the objects do not
    tell; `withheld` VIPs that it announces to nobody until somebody changes an object. `grants` are the drains that it
    follows, and `drained` whether it has withdrawn everything.
    """

    announces: bool
    to_all_peers: bool = True
    not_normal: frozenset[Claim | ObjectKey] = frozenset()
    withheld: frozenset[Claim] = frozenset()
    grants: frozenset[str] = frozenset()
    drained: bool = False


Voices = Mapping[NodeName, Voice]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Of one VIP. `certain` announce it normally; `possible` are also those of which that is doubtful."""

    certain: frozenset[NodeName]
    possible: frozenset[NodeName]

    def without(self, doubted: AbstractSet[NodeName], withheld: AbstractSet[NodeName]) -> "Nodes":
        """Itself where nothing is said: so many VIPs share one."""
        return Nodes(self.certain - doubted, self.possible - withheld) if doubted or withheld else self


@dataclass(frozen=True, slots=True)
class Announcers:
    """By Service and VIP, who announces it."""

    nodes_of: Mapping[Claim, Nodes]

    def needing(self, node: NodeName, leaving: AbstractSet[NodeName]) -> Claim | None:
        """A VIP that this node may announce, and none of those that stay certainly does."""
        stays = leaving | {node}
        needs = (claim for claim, nodes in self.nodes_of.items() if node in nodes.possible and nodes.certain <= stays)
        return next(needs, None)


@dataclass(slots=True)
class _Places:
    """Where endpoints of one family are; "" for one that is on no node. `ready` will stay, `serving` may be about to go.

    A speaker looks at each address, which counts only if no slice speaks against it. That differs for moments only, in
    which an endpoint moves from one slice to another.
    """

    ready: set[NodeName] = field(default_factory=set)
    serving: set[NodeName] = field(default_factory=set)
    any: set[NodeName] = field(default_factory=set)


def announcers(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    nodes: Mapping[NodeName, Node],
    config: Config,
    voices: Voices | None,
) -> Announcers:
    """`voices` None: speakers cannot be heard; then every node is taken to announce what it can."""
    heard = voices or {}
    not_normal = _sayers(heard, lambda voice: voice.not_normal)
    withheld = _sayers(heard, lambda voice: voice.withheld)
    able, places = _able(nodes, config, voices), _places(slices)
    found: dict[Claim, Nodes] = {}
    for service in services:
        for vip in service.vips:
            family, claim = Family.of(vip), (service.key, vip)
            serve = _serve(able(family, _asked_by(service, vip, config)), service, places.get((service.key, family)))
            doubted = not_normal.get(service.key, set()) | not_normal.get(claim, set())
            found[claim] = serve.without(doubted, withheld.get(claim, set()))
    return Announcers(found)


def _able(
    nodes: Mapping[NodeName, Node], config: Config, voices: Voices | None
) -> Callable[[Family, tuple[AdvertisementName, ...]], Nodes]:
    """By family and advertisements, the nodes that announce what these ask for. Of few kinds, shared by many VIPs."""
    unable = frozenset(name for name, node in nodes.items() if not _is_able(name, node, voices))
    half_able = frozenset(name for name, voice in (voices or {}).items() if not voice.to_all_peers)

    @cache
    def reach(name: AdvertisementName, family: Family) -> frozenset[NodeName]:
        return _reach(config.advertisements[name], family, config, nodes)

    @cache
    def able(family: Family, asked_by: tuple[AdvertisementName, ...]) -> Nodes:
        reached = frozenset[NodeName]().union(*(reach(name, family) for name in asked_by))
        is_for_some = all(config.advertisements[name].peers is not None for name in asked_by)
        return Nodes(reached - unable - (half_able if is_for_some else frozenset()), reached)

    return able


def _serve(nodes: Nodes, service: Service, places: _Places | None) -> Nodes:
    """Those that can, by where it has endpoints."""
    if places is None:
        return Nodes(frozenset(), frozenset())
    ready, serving = places.ready, places.serving
    if service.spec.publish_not_ready_addresses:
        ready = serving = places.any
    if service.spec.external_traffic_policy is TrafficPolicy.LOCAL:
        return Nodes(nodes.certain & ready, nodes.possible & serving)
    return nodes if serving else Nodes(frozenset(), frozenset())


def _is_able(name: NodeName, node: Node, voices: Voices | None) -> bool:
    if voices is None:
        return EXCLUDE_LABEL not in node.metadata.labels
    return name in voices and voices[name].announces


def _reach(each: Advertisement, family: Family, config: Config, nodes: Mapping[NodeName, Node]) -> frozenset[NodeName]:
    """The nodes that it selects and that have a peer which it is for and that takes the family."""
    peers = [peer for name, peer in config.peers.items() if each.peers is None or name in each.peers]

    def reaches(node: Node) -> bool:
        labels = node.metadata.labels
        return selected(each.node_selectors, labels) and any(
            selected(peer.node_selectors, labels) and family in _families(peer, node) for peer in peers
        )

    return frozenset(name for name, node in nodes.items() if reaches(node))


def _families(peer: Peer, node: Node) -> frozenset[Family]:
    """Those that the peer takes from this node; none if the node does not say where the peer is."""
    if peer.families is not None:
        return peer.families
    try:
        return frozenset({Family.of(address_on(node, peer.address))})
    except (KeyError, ValueError):
        return frozenset()


def _asked_by(service: Service, vip: IPAddress, config: Config) -> tuple[AdvertisementName, ...]:
    return tuple(name for name, each in config.advertisements.items() if _asks_for(each, service, vip, config))


def _asks_for(each: Advertisement, service: Service, vip: IPAddress, config: Config) -> bool:
    if not selected(each.service_selectors, service.metadata.labels):
        return False
    pools = {pool.name for pool in config.pools_of(vip)}
    return bool(pools) if each.pools is None else not pools.isdisjoint(each.pools)


def _sayers(voices: Voices, said: Callable[[Voice], AbstractSet[Said]]) -> Mapping[Said, set[NodeName]]:
    """By what is said, the nodes that say it."""
    found: defaultdict[Said, set[NodeName]] = defaultdict(set)
    for name, voice in voices.items():
        for each in said(voice):
            found[each].add(name)
    return found


def _places(slices: Iterable[EndpointSlice]) -> Mapping[tuple[ObjectKey, Family], _Places]:
    """By Service and family."""
    families = {f"IPv{family.value}": family for family in Family}
    found: defaultdict[tuple[ObjectKey, Family], _Places] = defaultdict(_Places)
    for each in slices:
        owner, family = each.service_key, families.get(each.address_type)
        if owner is None or family is None:
            continue
        places = found[owner, family]
        for endpoint in each.endpoints:
            node, conditions = NodeName(endpoint.node_name or ""), endpoint.conditions
            places.any.add(node)
            if conditions.ready is not False:
                places.ready.add(node)
            if conditions.ready is not False or conditions.serving is True:
                places.serving.add(node)
    return found
