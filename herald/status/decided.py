"""Decides again, for each node and each Service, what speakers and controller have decided: by their own pure code. No I/O.

What only a speaker knows (how it reaches a peer, what waits, what flaps) is taken from its BGPNode and BGPSessions; without
these every peer that selects a node is taken to be reachable.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from bgp_config.names import IPAddress, NodeName, PeerName
from bgp_config.status.condition import ConditionStatus, ConditionType
from bgp_config.status.node import SILENCE_S, Announcement, BGPNodeStatus, ServiceNotNormal
from bgp_config.status.session import BGPSessionStatus, State
from controller.plan import Plan
from herald.kube.objects import (
    EndpointSlice,
    Kind,
    KubeObject,
    Metadata,
    Node,
    ObjectKey,
    Secret,
    Service,
)
from herald.kube.source import Change, Synced, Upsert
from herald.status import drains
from herald.status.answer import Answer, NodeAnswer, ServiceFact
from herald.status.world import World
from speaker.about import addresses, endpoints
from speaker.account import ServiceAccount, VIPAccount, accounts
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.evidence import Source as EvidenceSource
from speaker.evidence import Standing
from speaker.localize import Neighbor, localize
from speaker.peering import NodeNetwork, Source, node_addresses, peers_here
from speaker.reasons import PeerReason, Reason
from speaker.route import RouteState

MOST_DECISIONS = 20_000
"""Of one node about one Service: so many take about three seconds."""
LAST_RESORTS = frozenset({Reason.HEALTH_CHECK_FAILED, Reason.DATA_PATH_TIMEOUT, Reason.DATA_PATH_SILENT, Reason.STALE})
"""Reasons for which a node that may be sick is least preferred."""
CLOCK_MARGIN = timedelta(seconds=30)
"""Between this machine's clock and the node's."""


def decide(
    world: World, load_balancer_class: str, now: datetime, only: ObjectKey | None = None, most: int = MOST_DECISIONS
) -> Answer:
    """Of one Service, or of all; where these are more than `most` decisions, of those that speakers or controller name."""
    known = _known(world, load_balancer_class)
    nodes = _nodes(world)
    keys = [only] if only is not None else sorted(known.cluster.services)
    if is_narrowed := only is None and world.live and len(keys) * len(nodes) > most:
        keys = sorted(_named(world, known))[: most // len(nodes)]
    if only is not None or is_narrowed:
        rivals = _rivals(known.cluster, only) if only is not None else frozenset()  # else speakers name who has no place
        world = replace(world, changes=_concerning(world.changes, frozenset(keys), rivals))
    services = [known.cluster.services[key] for key in keys if key in known.cluster.services]
    return Answer(
        source=world.source,
        live=world.live,
        nodes=tuple(_node(world, node, load_balancer_class, keys, now) for node in nodes),
        services=tuple(_fact(known, service, world) for service in services),
        left_out=len(known.cluster.services) - len(keys) if is_narrowed else 0,
        drains=tuple(drains.facts(world.changes)),
        problems=(*world.problems, *_problems(known.cluster)),
    )


def _nodes(world: World) -> list[Node]:
    found = (change.object for change in world.changes if isinstance(change, Upsert))
    return sorted((each for each in found if isinstance(each, Node)), key=lambda node: node.metadata.name)


def _named(world: World, known: "_Known") -> set[ObjectKey]:
    """The Services of which a speaker says that they are not normal, which lack what they ask for, or have no VIP yet."""
    said = {ObjectKey(each.namespace, each.name) for _, status in world.speakers for each in status.services_not_normal}
    pending = {key for key, record in known.plan.records.items() if record.unmet}
    services = known.cluster.services
    return (said | pending | {key for key, service in services.items() if not service.vips}) & services.keys()


def _node(world: World, node: Node, load_balancer_class: str, keys: Iterable[ObjectKey], now: datetime) -> NodeAnswer:
    name = node.metadata.name
    speaker = dict(world.speakers).get(name)
    sessions = {PeerName(each.peer): each for each in world.sessions if each.node == name}
    core = _core(world, node, load_balancer_class, speaker, sessions)
    core.step(about=frozenset(keys))
    found = tuple(_as_spoken(account, speaker) for account in accounts(core, keys))
    known = tuple(sessions.values()) or tuple(_assumed_sessions(core, now))
    return NodeAnswer(
        node=name,
        silent=world.live and _is_silent(speaker, now),
        bgp_node=speaker,
        sessions=known,
        services=found if sessions else tuple(_without_next_hops(account) for account in found),
    )


def _core(
    world: World,
    node: Node,
    load_balancer_class: str,
    speaker: BGPNodeStatus | None,
    sessions: Mapping[PeerName, BGPSessionStatus],
) -> Core:
    core = Core(NodeName(node.metadata.name), load_balancer_class)
    core.apply(world.changes)
    errors = speaker.errors if speaker else ()
    refused = {error.about.removeprefix("BGPPeer/") for error in errors if error.reason in set(PeerReason)}
    peers = [peer for peer in peers_here(core.cluster.config, node) if peer.name not in refused]
    passwords = (peer.password_secret for peer in peers if peer.password_secret)
    for ref in passwords:  # it is there, or the speaker would have said that it is not; what it says is nobody's business
        secret = Secret(metadata=Metadata(name=ref.name, namespace=ref.namespace), string_data={"password": "*"})
        core.apply([Upsert(Kind.SECRET, secret.key, secret)])
    core.apply([Synced(Kind.SECRET)])
    neighbors = [neighbor for peer in peers if isinstance(neighbor := localize(peer, node), Neighbor)]
    core.learn(NodeNetwork(sources={n.address: _source(n, node, sessions.get(n.name)) for n in neighbors}))
    core.stand(EvidenceSource.DRAIN, drains.standing(node.metadata.name, speaker, drains.facts(world.changes)))
    if speaker:
        _believe(core, speaker)
    return core


def _believe(core: Core, speaker: BGPNodeStatus) -> None:
    """What the speaker knows of itself beyond the objects and still announces by, so that it is decided as there."""
    last_resorts = {reason.value: Standing(RouteState.LAST_RESORT, reason) for reason in LAST_RESORTS}
    core.stand(EvidenceSource.HEALTH, last_resorts.get(speaker.drain.reason) if speaker.drain else None)
    for word in speaker.services_not_normal:
        key = ObjectKey(word.namespace, word.name)
        if word.state is Announcement.LEAST_PREFERRED and key in core.cluster.services:
            for vip in (each for each in core.cluster.services[key].vips if _means(word, each)):
                core.doubt(EvidenceSource.HEALTH, (key, vip), last_resorts.get(word.reason))


def _source(neighbor: Neighbor, node: Node, session: BGPSessionStatus | None) -> Source:
    """What the speaker said, or any address of the right family: it only shows as a next hop."""
    candidates = [*node_addresses(node), neighbor.address]
    own: IPAddress = next(a for a in candidates if a.version == neighbor.address.version)
    if session and session.local_address:
        own = type(neighbor.address)(session.local_address)
    return Source(own, on_link=True)


def _assumed_sessions(core: Core, now: datetime) -> Iterable[BGPSessionStatus]:
    for peer, spec in core.peering.sessions.items():
        yield BGPSessionStatus(
            node=core.cluster.node_name,
            peer=peer,
            peer_address=str(spec.peer_address),
            peer_asn=spec.peer_asn,
            local_asn=spec.local_asn,
            state=State.UNKNOWN,
            since=now,
            prefixes=len(core.ribs.table(spec)),
        )


def _is_silent(speaker: BGPNodeStatus | None, now: datetime) -> bool:
    """As the controller concludes; and where there is none, by the heartbeat's age."""
    if speaker is None:
        return True
    ready = next((c for c in speaker.conditions if c.type == ConditionType.READY.value), None)
    if ready and ready.status is ConditionStatus.UNKNOWN:
        return True
    return speaker.heartbeat is not None and now - speaker.heartbeat > timedelta(seconds=SILENCE_S) + CLOCK_MARGIN


def _as_spoken(account: ServiceAccount, speaker: BGPNodeStatus | None) -> ServiceAccount:
    """Where the speaker names a reason and nothing else speaks against the VIP, it is one that only it can know."""
    said = speaker.services_not_normal if speaker else ()
    words = [word for word in said if (word.namespace, word.name) == (account.namespace, account.name)]
    return msgspec.structs.replace(account, vips=[_vip_as_spoken(vip, words) for vip in account.vips])


def _vip_as_spoken(vip: VIPAccount, words: Iterable[ServiceNotNormal]) -> VIPAccount:
    word = next((word for word in words if _means(word, vip.vip)), None)
    if word is None or vip.reason:
        return vip
    if word.state is Announcement.PARTLY:  # which peers have it is decided by all that compete for their places
        return msgspec.structs.replace(vip, reason=word.reason, remedy=word.message)
    return msgspec.structs.replace(vip, state="withdrawn", reason=word.reason, remedy=word.message, routes=[])


def _means(word: ServiceNotNormal, vip: IPAddress | str) -> bool:
    """Whether it is about this VIP of its Service. One that names none has too many to name, and is taken to mean all."""
    return not word.vips or str(vip) in word.vips


def _without_next_hops(account: ServiceAccount) -> ServiceAccount:
    """Where nobody said which address a session has."""
    vips = [
        msgspec.structs.replace(vip, routes=[msgspec.structs.replace(route, next_hop="") for route in vip.routes])
        for vip in account.vips
    ]
    return msgspec.structs.replace(account, vips=vips)


@dataclass(frozen=True, slots=True)
class _Known:
    cluster: Cluster
    plan: Plan


def _known(world: World, load_balancer_class: str) -> _Known:
    known = _Known(Cluster(NodeName("")), Plan(load_balancer_class))
    for change in world.changes:
        known.cluster.apply(change)
        known.plan.apply(change)
    known.plan.settle()
    return known


def _problems(cluster: Cluster) -> list[str]:
    """What is wrong with configuration objects."""
    return [
        f"{key}: {problem} (in force: {verdict.in_force.value})"
        for key, verdict in cluster.verdicts.items()
        for problem in verdict.problems
    ]


def _fact(known: _Known, service: Service, world: World) -> ServiceFact:
    record = known.plan.records.get(service.key)
    unmet = record.unmet if record else None
    return ServiceFact(
        namespace=service.key.namespace,
        name=service.key.name,
        policy=service.spec.external_traffic_policy.value,
        load_balancer_class=service.spec.load_balancer_class,
        addresses=tuple(addresses(known.cluster, service)),
        pending=unmet.reason if unmet else "",
        message=unmet.message if unmet else "",
        endpoints=tuple(endpoints(known.cluster, service.key)),
        events=tuple(world.events),
    )


def _concerning(
    changes: Iterable[Change], keys: AbstractSet[ObjectKey], rivals: AbstractSet[ObjectKey]
) -> tuple[Change, ...]:
    """Without the objects that do not bear on the Services `keys`. Of `rivals` it is not asked how healthy they are."""
    changes = tuple(changes)
    objects = [change.object for change in changes if isinstance(change, Upsert)]
    vips = {vip for each in objects if isinstance(each, Service) and each.key in keys for vip in each.vips}

    def concerns(each: KubeObject) -> bool:
        match each:
            case Service():
                return each.key in keys or each.key in rivals or not vips.isdisjoint(each.vips)
            case EndpointSlice():
                return each.service_key in keys
            case _:
                return True

    return tuple(change for change in changes if not isinstance(change, Upsert) or concerns(change.object))


def _rivals(cluster: Cluster, key: ObjectKey) -> frozenset[ObjectKey]:
    """The Services that may take the place with a peer from this one: older ones, where they may be too many for a limit."""
    service = cluster.services.get(key)
    limits = [peer.max_prefixes for peer in cluster.config.peers.values() if peer.max_prefixes]
    if service is None or not limits:
        return frozenset()
    older = [each for each in cluster.services.values() if _age(each) < _age(service)]
    vips = {vip for each in (service, *older) for vip in each.vips}
    most = len(vips) * len(cluster.config.advertisements)  # each of which makes one prefix of a VIP
    return frozenset(each.key for each in older) if most > min(limits) else frozenset()


def _age(service: Service) -> tuple[str, ObjectKey]:
    """As places are given."""
    return service.metadata.creation_timestamp or "", service.key
