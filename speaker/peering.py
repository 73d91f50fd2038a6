"""Which sessions this node should have: BGPPeer objects and what the node knows, turned into session specs. Pure.

A peer without a session has a PeerReason. Sessions are known by what they say: two names for one session are a duplicate.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import TypeAlias

from bgp_config.config import Config, Peer, SecretRef
from bgp_config.names import IPAddress, NodeName, PeerName
from bgp_config.selector import selected
from herald.kube.objects import Node, ObjectKey, Secret
from speaker.reasons import PeerReason
from speaker.session import SessionSpec

PASSWORD_KEY = "password"  # noqa: S105 -- the name of a key
MAX_PASSWORD_BYTES = 80
"""TCP_MD5SIG_MAXKEYLEN of Linux."""


@dataclass(frozen=True, slots=True)
class Source:
    """The address of this node that packets to a peer leave from, and whether the peer is one hop away."""

    address: IPAddress
    on_link: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering:
    """The sessions to keep, by the peer that asks for each, and why the other peers that select this node have none."""

    sessions: Mapping[PeerName, SessionSpec] = field(default_factory=dict)
    refused: Mapping[PeerName, PeerReason] = field(default_factory=dict)
    peers: Mapping[PeerName, Peer] = field(default_factory=dict)


def peers_here(config: Config, node: Node | None) -> list[Peer]:
    """The peers that select this node, by name. A node that is not known is selected by nothing."""
    if node is None:
        return []
    chosen = (p for p in config.peers.values() if selected(p.node_selectors, node.metadata.labels))
    return sorted(chosen, key=lambda peer: peer.name)


def peering(
    peers: list[Peer],
    node: NodeName,
    node_object: Node | None,
    secrets: Mapping[ObjectKey, Secret],
    sources: Mapping[IPAddress, Source],
) -> Peering:
    """`sources` tells, per peer address without an explicit sourceAddress, how this node reaches it."""
    sessions: dict[PeerName, SessionSpec] = {}
    refused: dict[PeerName, PeerReason] = {}
    taken: set[tuple[IPAddress, IPAddress, int]] = set()
    for peer in peers:
        match _session(peer, _router_id(peer, node, node_object), secrets, sources):
            case PeerReason() as reason:
                refused[peer.name] = reason
            case spec if spec.endpoints in taken:
                refused[peer.name] = PeerReason.DUPLICATE_PEER
            case spec:
                taken.add(spec.endpoints)
                sessions[peer.name] = spec
    by_name = {peer.name: peer for peer in peers}
    return Peering(sessions=sessions, refused=refused, peers={name: by_name[name] for name in sessions})


def _session(
    peer: Peer,
    router_id: IPv4Address,
    secrets: Mapping[ObjectKey, Secret],
    sources: Mapping[IPAddress, Source],
) -> SessionSpec | PeerReason:
    local_address = _local_address(peer, sources)
    if isinstance(local_address, PeerReason):
        return local_address
    password = _password(peer.password_secret, secrets)
    if isinstance(password, PeerReason):
        return password
    return SessionSpec(
        peer_address=peer.address,
        peer_port=peer.port,
        peer_asn=peer.peer_asn,
        local_address=local_address,
        local_asn=peer.local_asn,
        router_id=router_id,
        hold_time_s=peer.hold_time_s,
        families=peer.families,
        password=password,
        graceful_restart_s=peer.graceful_restart_s,
    )


def _local_address(peer: Peer, sources: Mapping[IPAddress, Source]) -> IPAddress | PeerReason:
    if peer.source_address is not None:
        return peer.source_address
    source = sources.get(peer.address)
    if source is None:
        return PeerReason.NO_SOURCE_ADDRESS
    # Over a default route the session would come from an address of another network, and stay there when the right one
    # is back; an eBGP packet has TTL 1 anyway.
    if not source.on_link and not peer.is_internal:
        return PeerReason.NOT_ON_LINK
    return source.address


Password: TypeAlias = bytes | PeerReason | None


def _password(ref: SecretRef | None, secrets: Mapping[ObjectKey, Secret]) -> Password:
    """None only when no password is configured: a session must never run without the one that is."""
    if ref is None:
        return None
    return password_of(secrets.get(ObjectKey(ref.namespace, ref.name))) or PeerReason.PASSWORD_MISSING


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
