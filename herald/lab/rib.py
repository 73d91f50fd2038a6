"""A router's BGP sessions and paths as typed values, read from FRR's own JSON.

Pure: text in, values out. What FRR says is the truth about what it learned; no log is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from bgp_config.communities import LargeCommunity, StandardCommunity
from bgp_config.names import ASN, Family, IPAddress, Prefix

DEFAULT_LOCAL_PREF = 100
WELL_KNOWN = {
    "gracefulShutdown": StandardCommunity(65535, 0),
    "noExport": StandardCommunity(65535, 65281),
    "noAdvertise": StandardCommunity(65535, 65282),
    "localAs": StandardCommunity(65535, 65283),
    "noPeer": StandardCommunity(65535, 65284),
    "blackhole": StandardCommunity(65535, 666),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BgpPath:
    """One path of one prefix as the router has it, after its own policy. `next_hops`: with IPv6 also the link-local one."""

    prefix: Prefix
    peer: IPAddress
    next_hops: tuple[IPAddress, ...]
    as_path: tuple[ASN, ...]
    local_pref: int
    communities: frozenset[StandardCommunity]
    large_communities: frozenset[LargeCommunity]
    valid: bool
    best: bool
    multipath: bool
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BgpSession:
    """One peer in one family. `state` in the FSM's words (RFC 4271, section 8.2.2): Idle, Active, ..., Established.

    `state_s`: for how long it is established, or is not; FRR counts whole seconds.
    """

    peer: IPAddress
    peer_asn: ASN
    family: Family
    state: str
    prefixes: int
    times_established: int
    times_dropped: int
    state_s: float

    @property
    def established(self) -> bool:
        return self.state == "Established"


@dataclass(frozen=True, slots=True, kw_only=True)
class BfdSession:
    """One session of bfdd. `status`: up, init, down or shutdown. Intervals in milliseconds, as in use in each direction."""

    peer: IPAddress
    status: str
    diagnostic: str
    remote_diagnostic: str
    remote_transmit_ms: int
    remote_receive_ms: int
    remote_multiplier: int
    remote_discriminator: int

    @property
    def up(self) -> bool:
        return self.status == "up"


def parse_bfd_sessions(text: str) -> tuple[BfdSession, ...]:
    """From `show bfd peers json`."""
    return tuple(
        BfdSession(
            peer=ip_address(peer["peer"]),
            status=peer["status"],
            diagnostic=peer["diagnostic"],
            remote_diagnostic=peer["remote-diagnostic"],
            remote_transmit_ms=peer["remote-transmit-interval"],
            remote_receive_ms=peer["remote-receive-interval"],
            remote_multiplier=peer["remote-detect-multiplier"],
            remote_discriminator=peer["remote-id"],
        )
        for peer in msgspec.json.decode(text)
    )


def parse_sessions(text: str, family: Family) -> tuple[BgpSession, ...]:
    """From `show bgp FAMILY unicast summary json`."""
    peers: Mapping[str, Any] = msgspec.json.decode(text).get("peers", {})
    return tuple(
        BgpSession(
            peer=ip_address(address),
            peer_asn=ASN(peer["remoteAs"]),
            family=family,
            state=peer["state"],
            prefixes=peer.get("pfxRcd", 0),
            times_established=peer.get("connectionsEstablished", 0),
            times_dropped=peer.get("connectionsDropped", 0),
            state_s=peer.get("peerUptimeMsec", 0) / 1000,
        )
        for address, peer in peers.items()
    )


def parse_paths(text: str) -> tuple[BgpPath, ...]:
    """From `show bgp FAMILY unicast json detail` or `... unicast PREFIX json`. Routes of the router itself are left out."""
    answer: Mapping[str, Any] = msgspec.json.decode(text)
    if "routes" in answer:
        return tuple(path for prefix, route in answer["routes"].items() for path in _paths(prefix, route))
    return tuple(_paths(answer["prefix"], answer)) if "prefix" in answer else ()


def _paths(prefix: str, route: Mapping[str, Any] | list[Any]) -> Iterator[BgpPath]:
    network = ip_network(prefix)
    for path in route if isinstance(route, list) else route["paths"]:
        # The first entry of a list only describes the prefix; a route of the router's own has no peer's address.
        if "peer" in path and path["peer"]["peerId"] not in {"0.0.0.0", "::"}:
            yield _path(network, path)


def _path(prefix: Prefix, path: Mapping[str, Any]) -> BgpPath:
    return BgpPath(
        prefix=prefix,
        peer=ip_address(path["peer"]["peerId"]),
        next_hops=tuple(ip_address(hop["ip"]) for hop in path["nexthops"]),
        as_path=tuple(ASN(int(number)) for segment in path["aspath"].get("segments", []) for number in segment["list"]),
        local_pref=path.get("locPrf", DEFAULT_LOCAL_PREF),
        communities=frozenset(_community(word) for word in path.get("community", {}).get("list", [])),
        large_communities=frozenset(_large(word) for word in path.get("largeCommunity", {}).get("list", [])),
        valid=path.get("valid", False),
        best=path.get("bestpath", {}).get("overall", False),
        multipath=path.get("multipath", False),
        stale=path.get("stale", False),
    )


def _community(word: str) -> StandardCommunity:
    if word in WELL_KNOWN:
        return WELL_KNOWN[word]
    high, low = word.split(":")
    return StandardCommunity(int(high), int(low))


def _large(word: str) -> LargeCommunity:
    admin, data1, data2 = word.split(":")
    return LargeCommunity(int(admin), int(data1), int(data2))
