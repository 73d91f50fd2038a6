"""What the accepted configuration objects mean, once references are resolved: the only form that controller and speaker see.

Invariants: every value here was accepted by the parser, so nothing downstream checks it again; addresses of one range have
one family; a selector tuple that is None selects everything, and is never empty.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from types import MappingProxyType

from bgp_config.communities import GRACEFUL_SHUTDOWN, ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.names import (
    ASN,
    AdvertisementName,
    BFDProfileName,
    DrainName,
    Family,
    HealthCheckName,
    IPAddress,
    NodeName,
    PeerName,
    PoolName,
    Prefix,
)
from bgp_config.selector import LabelSelector, selected


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """All addresses from first to last, both included, of one family."""

    first: IPAddress
    last: IPAddress

    @property
    def family(self) -> Family:
        return Family.of(self.first)

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __contains__(self, address: IPAddress) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.first != self.last else str(self.first)

    def overlaps(self, other: "AddressRange") -> bool:
        return self.family is other.family and int(self.first) <= int(other.last) and int(other.first) <= int(self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """AddressPool: addresses that Services may be given. With auto_assign off, only a Service that asks for it gets one.

    One that is terminating serves those that it was given to, and gives none. Another pool may have its addresses already.
    """

    name: PoolName
    ranges: tuple[AddressRange, ...]
    auto_assign: bool = True
    terminating: bool = False

    def __contains__(self, address: IPAddress) -> bool:
        return any(address in block for block in self.ranges)

    def covers(self, prefix: Prefix) -> bool:
        """Whether all addresses of the prefix are in the pool, be it in several ranges."""
        following, last = int(prefix[0]), int(prefix[-1])
        for block in sorted((r for r in self.ranges if r.family is Family.of(prefix)), key=lambda r: int(r.first)):
            if int(block.first) <= following <= int(block.last):
                following = int(block.last) + 1
        return following > last


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where a peer's TCP MD5 password (RFC 2385) is kept: the key `password` of a Secret."""

    namespace: str
    name: str


class NodeField(StrEnum):
    """Where on a Node a value is written."""

    LABEL = "label"
    ANNOTATION = "annotation"


@dataclass(frozen=True, slots=True)
class NodeValue:
    """A value that every Node says for itself, so that one object serves all racks."""

    field: NodeField
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprefer:
    """How a peer hears of a least preferred route: what is added to it. Of a node that may be sick, the second degree:
    twice as many prepends, a LOCAL_PREF that is one less.
    """

    prepends: int = 6
    local_pref: int = 1
    communities: frozenset[StandardCommunity] = frozenset({GRACEFUL_SHUTDOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """BGPPeer: a router that the selected nodes keep a session with. Times in seconds (RFC 4271, section 10).

    At most one of `multihop_ttl`, the TTL of what is sent, and `ttl_security_hops` (RFC 5082) is given. `max_prefixes` per
    family. `families` None: the family of `address`.
    """

    name: PeerName
    local_asn: ASN | NodeValue
    peer_asn: ASN | NodeValue
    address: IPAddress | NodeValue
    port: int = 179
    hold_time_s: int = 90
    keepalive_time_s: int = 30
    connect_retry_s: int = 1
    multihop_ttl: int | None = None
    ttl_security_hops: int | None = None
    max_prefixes: int | None = None
    source_address: IPAddress | None = None
    router_id: IPv4Address | None = None
    password_secret: SecretRef | None = None
    node_selectors: tuple[LabelSelector, ...] | None = None
    families: frozenset[Family] | None = None
    graceful_restart_s: int | None = None
    deprefer: Deprefer = Deprefer()
    bfd_profile: BFDProfileName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertisement:
    """BGPAdvertisement: which pools' VIPs are announced by which nodes to which peers, and with what attributes."""

    name: AdvertisementName
    pools: frozenset[PoolName] | None = None
    peers: frozenset[PeerName] | None = None
    node_selectors: tuple[LabelSelector, ...] | None = None
    service_selectors: tuple[LabelSelector, ...] | None = None
    communities: frozenset[StandardCommunity] = frozenset()
    large_communities: frozenset[LargeCommunity] = frozenset()
    extended_communities: frozenset[ExtendedCommunity] = frozenset()
    local_pref: int | None = None
    med: int | None = None
    as_path_prepend: int | None = None
    aggregation_length_v4: int = 32
    aggregation_length_v6: int = 128

    def prefix_of(self, vip: IPAddress) -> Prefix:
        """What is announced for the VIP: its host route, or the aggregate that holds it."""
        if isinstance(vip, IPv4Address):
            return IPv4Network((vip, self.aggregation_length_v4), strict=False)
        return IPv6Network((vip, self.aggregation_length_v6), strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BFDProfile:
    """BFDProfile: how peers that name it are watched (RFC 5880). A peer is lost after `multiplier` intervals of silence.

    `strict`: no BGP session before BFD is up (draft-ietf-idr-bgp-bfd-strict-mode), not only once it was.
    """

    name: BFDProfileName
    interval_ms: int = 300
    multiplier: int = 3
    passive: bool = False
    strict: bool = False


class Protocol(StrEnum):
    """What a health check speaks."""

    TCP = "TCP"
    HTTP = "HTTP"
    HTTPS = "HTTPS"


class FailWhen(StrEnum):
    """How many of a node's endpoints have to be sick for its VIP to be."""

    ALL = "All"
    ANY = "Any"


class OnFailure(StrEnum):
    """What a node does with a VIP whose endpoints here are sick."""

    DEPREFER = "Deprefer"
    WITHDRAW = "Withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """HealthCheck: how speakers probe their own node's endpoints of the selected Services.

    `port` None: the first port of the endpoint's slice. `statuses` are ranges of HTTP status codes, both ends included.
    """

    name: HealthCheckName
    protocol: Protocol
    port: int | None = None
    host: str | None = None
    path: str = "/"
    statuses: tuple[tuple[int, int], ...] = ((200, 399),)
    interval_s: float = 2.0
    timeout_s: float = 1.0
    rise: int = 2
    fall: int = 3
    fail_when: FailWhen = FailWhen.ALL
    on_failure: OnFailure = OnFailure.DEPREFER
    service_selectors: tuple[LabelSelector, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Drain: nodes that shall lose their traffic without losing a connection that is new. `until` in seconds since 1970.

    Of `nodes` and `node_selectors` exactly one is given. `force`: also where a node is the last that announces a VIP.
    """

    name: DrainName
    nodes: frozenset[NodeName] | None = None
    node_selectors: tuple[LabelSelector, ...] | None = None
    drain_s: int = 30
    until: float | None = None
    reason: str = ""
    force: bool = False

    def concerns(self, node: NodeName, labels: Mapping[str, str]) -> bool:
        """Whether it is about the node of this name and with these labels."""
        return node in self.nodes if self.nodes is not None else selected(self.node_selectors, labels)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything accepted, by name. Immutable: a change makes a new one."""

    pools: Mapping[PoolName, Pool] = field(default_factory=lambda: MappingProxyType({}))
    peers: Mapping[PeerName, Peer] = field(default_factory=lambda: MappingProxyType({}))
    advertisements: Mapping[AdvertisementName, Advertisement] = field(default_factory=lambda: MappingProxyType({}))
    bfd_profiles: Mapping[BFDProfileName, BFDProfile] = field(default_factory=lambda: MappingProxyType({}))
    health_checks: Mapping[HealthCheckName, HealthCheck] = field(default_factory=lambda: MappingProxyType({}))
    drains: Mapping[DrainName, Drain] = field(default_factory=lambda: MappingProxyType({}))

    def pool_of(self, address: IPAddress) -> Pool | None:
        """The pool that holds this address; if there are two, the one that is not terminating."""
        return next(iter(self.pools_of(address)), None)

    def pools_of(self, address: IPAddress) -> tuple[Pool, ...]:
        """The pool that holds this address, then those terminating that still do. So a pool can be renamed: whoever goes by
        the old name, or by the new one, finds the address.
        """
        live = self._live_pool_of(address)
        return (*((live,) if live else ()), *(pool for pool in self._terminating if address in pool))

    def _live_pool_of(self, address: IPAddress) -> Pool | None:
        """These never overlap. Asked for every VIP: a binary search."""
        ranges = self._ranges[Family.of(address)]
        at = bisect_right(ranges, int(address), key=lambda entry: int(entry[0].first)) - 1
        return ranges[at][1] if at >= 0 and address in ranges[at][0] else None

    @cached_property
    def _terminating(self) -> tuple[Pool, ...]:
        return tuple(pool for pool in self.pools.values() if pool.terminating)

    @cached_property
    def _ranges(self) -> Mapping[Family, list[tuple[AddressRange, Pool]]]:
        entries = [(block, pool) for pool in self.pools.values() if not pool.terminating for block in pool.ranges]
        entries.sort(key=lambda entry: int(entry[0].first))
        return {family: [entry for entry in entries if entry[0].family is family] for family in Family}
