"""Which sessions this node should have: BGPPeer objects and what the node knows, turned into session specs. Pure.

A peer without a session has a PeerReason. Sessions are known by what they say: two names for one session are a duplicate.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address
from typing import TypeAlias

from bgp_config.config import Config, Peer, SecretRef
from bgp_config.names import Family, IPAddress, NodeName, PeerName
from bgp_config.selector import selected
from herald.kube.objects import Node, ObjectKey, Secret
from speaker.localize import Neighbor, localize
from speaker.reasons import PeerReason
from speaker.session import Endpoints, SessionSpec

PASSWORD_KEY = "password"  # noqa: S105 -- the name of a key
MAX_PASSWORD_BYTES = 80
"""TCP_MD5SIG_MAXKEYLEN of Linux."""
MAX_TTL = 255


@dataclass(frozen=True, slots=True)
class Source:
    """The address of this node that packets to a peer leave from, and whether the peer is one hop away."""

    address: IPAddress
    on_link: bool


NextHops: TypeAlias = Mapping[Family, IPAddress]
"""What routes of a family name as their next hop on one session: an address of this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNetwork:
    """What the kernel says: how each peer is reached, and which addresses are this host's own (VIPs that we bound apart).

    `companions`: for an address, one of the other family on the same device.
    """

    sources: Mapping[IPAddress, Source] = field(default_factory=dict)
    addresses: frozenset[IPAddress] = frozenset()
    companions: Mapping[IPAddress, IPAddress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering:
    """The sessions to keep, by the peer that asks for each, and why the other peers that select this node have none.

    `peers` have the families that there is a next hop for; `next_hops` are not part of a session: they may change under it.
    """

    sessions: Mapping[PeerName, SessionSpec] = field(default_factory=dict)
    refused: Mapping[PeerName, PeerReason] = field(default_factory=dict)
    peers: Mapping[PeerName, Peer] = field(default_factory=dict)
    next_hops: Mapping[PeerName, NextHops] = field(default_factory=dict)


def peers_here(config: Config, node: Node | None) -> list[Peer]:
    """The peers that select this node, by name. A node that is not known is selected by nothing."""
    if node is None:
        return []
    chosen = (p for p in config.peers.values() if selected(p.node_selectors, node.metadata.labels))
    return sorted(chosen, key=lambda peer: peer.name)


def neighbor_addresses(peers: Iterable[Peer], node: Node | None) -> frozenset[IPAddress]:
    """The addresses of these peers, as far as this Node tells."""
    neighbors = [localize(peer, node) for peer in peers] if node else []
    return frozenset(neighbor.address for neighbor in neighbors if isinstance(neighbor, Neighbor))


def peering(
    peers: list[Peer],
    name: NodeName,
    node: Node | None,
    secrets: Mapping[ObjectKey, Secret],
    network: NodeNetwork,
    until_heard: Mapping[PeerName, SessionSpec] | None = None,
) -> Peering:
    """Of `peers_here`; `network` tells how this node reaches each.

    `until_heard`: sessions that stay as they are while the Secret that their peer names now is not heard of yet.
    """
    sessions: dict[PeerName, SessionSpec] = {}
    refused: dict[PeerName, PeerReason] = {}
    taken: set[Endpoints] = set()
    for peer in peers:
        match _session(peer, name, node, secrets, network):
            case PeerReason.PASSWORD_MISSING if until_heard and peer.name in until_heard:
                taken.add(until_heard[peer.name].endpoints)
                sessions[peer.name] = until_heard[peer.name]
            case PeerReason() as reason:
                refused[peer.name] = reason
            case spec if spec.endpoints in taken:
                refused[peer.name] = PeerReason.DUPLICATE_PEER
            case spec:
                taken.add(spec.endpoints)
                sessions[peer.name] = spec
    next_hops = {peer: _next_hops(spec, node, network) for peer, spec in sessions.items()}
    kept = {p.name: replace(p, families=frozenset(next_hops[p.name])) for p in peers if p.name in sessions}
    return Peering(sessions=sessions, refused=refused, peers=kept, next_hops=next_hops)


def _session(
    peer: Peer, name: NodeName, node: Node | None, secrets: Mapping[ObjectKey, Secret], network: NodeNetwork
) -> SessionSpec | PeerReason:
    neighbor = localize(peer, node) if node else PeerReason.NODE_VALUE_MISSING
    if isinstance(neighbor, PeerReason):
        return neighbor
    local_address = _local_address(neighbor, network.sources)
    if isinstance(local_address, PeerReason):
        return local_address
    password = _password(peer.password_secret, secrets)
    if isinstance(password, PeerReason):
        return password
    return SessionSpec(
        peer_address=neighbor.address,
        peer_port=peer.port,
        peer_asn=neighbor.peer_asn,
        local_address=local_address,
        local_asn=neighbor.local_asn,
        router_id=_router_id(peer, name, node),
        hold_time_s=peer.hold_time_s,
        keepalive_time_s=peer.keepalive_time_s,
        connect_retry_s=peer.connect_retry_s,
        families=neighbor.families,
        ttl=_ttl(neighbor),
        min_ttl=None if peer.ttl_security_hops is None else MAX_TTL + 1 - peer.ttl_security_hops,
        password=password,
        graceful_restart_s=peer.graceful_restart_s,
    )


def _local_address(neighbor: Neighbor, sources: Mapping[IPAddress, Source]) -> IPAddress | PeerReason:
    if neighbor.peer.source_address is not None:
        return neighbor.peer.source_address
    source = sources.get(neighbor.address)
    if source is None:
        return PeerReason.NO_SOURCE_ADDRESS
    # Over a default route the session would come from an address of another network, and stay there when the right one
    # is back; an eBGP packet has TTL 1 anyway.
    if not source.on_link and not neighbor.is_internal and not _may_be_far(neighbor.peer):
        return PeerReason.NOT_ON_LINK
    return source.address


def _may_be_far(peer: Peer) -> bool:
    return peer.multihop_ttl is not None or (peer.ttl_security_hops or 1) > 1


def _ttl(neighbor: Neighbor) -> int | None:
    """Of the packets to the peer. On eBGP they reach no further than the next hop unless that is asked for."""
    if neighbor.peer.ttl_security_hops is not None:
        return MAX_TTL
    if neighbor.peer.multihop_ttl is not None or neighbor.is_internal:
        return neighbor.peer.multihop_ttl
    return 1


def _next_hops(spec: SessionSpec, node: Node | None, network: NodeNetwork) -> NextHops:
    """The session's own address; for the other family one of the same device, else the Node's, else RFC 8950's."""
    found: dict[Family, IPAddress] = {}
    for family in spec.families:
        near = network.companions.get(spec.local_address)
        candidates = [spec.local_address, *([near] if near else []), *node_addresses(node)]
        next_hop = next((a for a in candidates if Family.of(a) is family), None)
        if next_hop is None and family is Family.IPV4:
            next_hop = spec.local_address
        if next_hop is not None:
            found[family] = next_hop
    return found


Password: TypeAlias = bytes | PeerReason | None


def _password(ref: SecretRef | None, secrets: Mapping[ObjectKey, Secret]) -> Password:
    """None only when no password is configured: a session must never run without the one that is."""
    if ref is None:
        return None
    return password_of(secrets.get(secret_key(ref))) or PeerReason.PASSWORD_MISSING


def secret_key(ref: SecretRef) -> ObjectKey:
    return ObjectKey(ref.namespace, ref.name)


def password_of(secret: Secret | None) -> bytes | None:
    """What a Secret says under the key `password`; None when that cannot be a TCP MD5 password (RFC 2385)."""
    value = secret and _secret_value(secret)
    return value if value and len(value) <= MAX_PASSWORD_BYTES else None


def _secret_value(secret: Secret) -> bytes | None:
    if PASSWORD_KEY in secret.string_data:
        return secret.string_data[PASSWORD_KEY].encode()
    try:
        return b64decode(secret.data.get(PASSWORD_KEY, ""), validate=True)
    except Base64Error:
        return None


def _router_id(peer: Peer, name: NodeName, node: Node | None) -> IPv4Address:
    """The peer's routerID, else the node's IPv4 InternalIP, else 32 bits of its name: stable and, in an AS, unique."""
    if peer.router_id is not None:
        return peer.router_id
    addresses = node_addresses(node)
    own = next((a for a in addresses if isinstance(a, IPv4Address)), None)
    return own or IPv4Address(hashlib.sha256(name.encode()).digest()[:4])


def node_addresses(node: Node | None) -> tuple[IPAddress, ...]:
    """The Node's InternalIPs, then its other addresses; host names are passed over."""
    addresses = node.status.addresses if node else []
    by_rank = sorted(addresses, key=lambda a: a.type != "InternalIP")
    return tuple(parsed for a in by_rank if (parsed := _parse(a.address)))


def _parse(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
