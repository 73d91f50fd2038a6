"""Which nodes announce the VIPs of each Service normally, as far as objects and the speakers' own word tell. Pure.

The controller does not decide routes: it must only never take away the last normal route. So another node counts only where
everything that can be seen speaks for it, and the node in question wherever its endpoints do; what the controller cannot
see (a router's policy, say) counts for nothing.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bgp_config.config import Advertisement, Config
from bgp_config.names import AdvertisementName, NodeName
from bgp_config.selector import selected
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What a node's speaker says of itself. `announces`: it is heard, has a session, nothing holds the whole node back, and
    it has not too many troubles to name them all. `to_all_peers`: all its sessions are up.

    `not_normal` are Services that it does not announce as it should. `grants` are the drains that it follows, and `drained`
    whether it has withdrawn everything.
    """

    announces: bool
    to_all_peers: bool = True
    not_normal: frozenset[ObjectKey] = frozenset()
    grants: frozenset[str] = frozenset()
    drained: bool = False


Voices = Mapping[NodeName, Voice]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Of one Service. `certain` announce its VIPs normally; `possible` are also those of which that is doubtful."""

    certain: frozenset[NodeName]
    possible: frozenset[NodeName]


@dataclass(frozen=True, slots=True)
class Announcers:
    """By Service, who announces its VIPs."""

    nodes_of: Mapping[ObjectKey, Nodes]

    def needing(self, node: NodeName, leaving: AbstractSet[NodeName]) -> ObjectKey | None:
        """A Service that this node may announce, and none of those that stay certainly does."""
        stays = leaving | {node}
        needs = (key for key, nodes in self.nodes_of.items() if node in nodes.possible and nodes.certain <= stays)
        return next(needs, None)


def announcers(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    nodes: Mapping[NodeName, Node],
    config: Config,
    voices: Voices | None,
) -> Announcers:
    """`voices` None: speakers cannot be heard; then every node is taken to announce what it can."""
    unable = frozenset(name for name, node in nodes.items() if not _is_able(name, node, voices))
    half_able = frozenset(name for name, voice in (voices or {}).items() if not voice.to_all_peers)
    reach = {name: _reach(each, config, nodes) for name, each in config.advertisements.items()}
    spoilt = _spoilt(voices or {})
    serving = _serving(slices)
    unions: dict[tuple[AdvertisementName, ...], Nodes] = {}  # of few kinds, shared by many Services
    found: dict[ObjectKey, Nodes] = {}
    for service in (each for each in services if each.vips):
        asked_by = tuple(name for name, each in config.advertisements.items() if _asks_for(each, service, config))
        if asked_by not in unions:
            reached = frozenset[NodeName]().union(*(reach[name] for name in asked_by))
            is_for_some = all(config.advertisements[name].peers is not None for name in asked_by)
            unions[asked_by] = Nodes(reached - unable - (half_able if is_for_some else frozenset()), reached)
        found[service.key] = _serve(unions[asked_by], service, serving.get(service.key), spoilt.get(service.key))
    return Announcers(found)


def _serve(
    nodes: Nodes, service: Service, places: frozenset[NodeName] | None, spoilt: AbstractSet[NodeName] | None
) -> Nodes:
    """Those that can, by where it has ready endpoints."""
    if not places:
        return Nodes(frozenset(), frozenset())
    if service.spec.external_traffic_policy is TrafficPolicy.LOCAL:
        nodes = Nodes(nodes.certain & places, nodes.possible & places)
    return Nodes(nodes.certain - spoilt, nodes.possible) if spoilt else nodes


def _is_able(name: NodeName, node: Node, voices: Voices | None) -> bool:
    if voices is None:
        return EXCLUDE_LABEL not in node.metadata.labels
    return name in voices and voices[name].announces


def _reach(each: Advertisement, config: Config, nodes: Mapping[NodeName, Node]) -> frozenset[NodeName]:
    """The nodes that it selects and that have a peer which it is for."""
    peers = [peer for name, peer in config.peers.items() if each.peers is None or name in each.peers]

    def reaches(labels: Mapping[str, str]) -> bool:
        return selected(each.node_selectors, labels) and any(selected(peer.node_selectors, labels) for peer in peers)

    return frozenset(name for name, node in nodes.items() if reaches(node.metadata.labels))


def _asks_for(each: Advertisement, service: Service, config: Config) -> bool:
    if not selected(each.service_selectors, service.metadata.labels):
        return False
    pools = {pool.name for vip in service.vips for pool in config.pools_of(vip)}
    return bool(pools) if each.pools is None else not pools.isdisjoint(each.pools)


def _spoilt(voices: Voices) -> Mapping[ObjectKey, set[NodeName]]:
    """The nodes that say themselves that they do not announce a Service as they should."""
    found: dict[ObjectKey, set[NodeName]] = {}
    for name, voice in voices.items():
        for service in voice.not_normal:
            found.setdefault(service, set()).add(name)
    return found


def _serving(slices: Iterable[EndpointSlice]) -> Mapping[ObjectKey, frozenset[NodeName]]:
    """Where endpoints are ready, by Service; "" for one that is on no node. One that terminates is about to be gone."""
    found: dict[ObjectKey, set[NodeName]] = {}
    for each in slices:
        if (owner := each.service_key) is not None:
            ready = (endpoint for endpoint in each.endpoints if endpoint.conditions.ready is not False)
            found.setdefault(owner, set()).update(NodeName(endpoint.node_name or "") for endpoint in ready)
    return {owner: frozenset(nodes) for owner, nodes in found.items()}
