"""What a BGP session is to the rest of the speaker: what it says (its identity), how it is, what it reports.

No I/O. The engine in speaker/exabgp keeps sessions; the daemon tells it which, and with which routes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from ipaddress import IPv4Address
from typing import Protocol, TypeAlias

from bgp_config.names import ASN, Family, IPAddress, Prefix
from speaker.route import PathAttributes

Endpoints: TypeAlias = tuple[IPAddress, IPAddress, int]
"""Local address, peer address, peer port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a session says to its peer in OPEN and below. Equal specs are one session, whatever object names it.

    Times in seconds. `keepalive_time_s` None: a third of the hold time. `connect_retry_s`: the longest pause between two
    attempts. `ttl` of what is sent, None: the system's; `min_ttl` of what is taken in (RFC 5082). `password` is never
    empty: None means that none is configured.
    """

    peer_address: IPAddress
    peer_port: int
    peer_asn: ASN
    local_address: IPAddress
    local_asn: ASN
    router_id: IPv4Address
    hold_time_s: int
    families: frozenset[Family]
    keepalive_time_s: int | None = None
    connect_retry_s: int = 1
    ttl: int | None = None
    min_ttl: int | None = None
    password: bytes | None = field(default=None, repr=False)
    graceful_restart_s: int | None = None

    @property
    def is_internal(self) -> bool:
        """IBGP: both ends in one AS."""
        return self.local_asn == self.peer_asn

    @property
    def extends_next_hops(self) -> bool:
        """Whether IPv4 routes may need an IPv6 next hop (RFC 8950): where there is no other, on a link without IPv4."""
        return Family.IPV4 in self.families and Family.of(self.peer_address) is Family.IPV6

    @property
    def endpoints(self) -> Endpoints:
        """Both ends of the TCP connection. At any time only one session may have them."""
        return self.local_address, self.peer_address, self.peer_port

    @property
    def label(self) -> str:
        """For people: which neighbor this is."""
        return f"{self.local_address}->{self.peer_address}"


class SessionState(StrEnum):
    """The FSM's two states that matter outside (RFC 4271, section 8.2.2): Established or not."""

    DOWN = "Down"
    ESTABLISHED = "Established"


@dataclass(frozen=True, slots=True)
class Established:
    """The session is up. Its routes are sent next, then End-of-RIB. `hold_time_s` is the negotiated one, if it is known."""

    spec: SessionSpec
    at: float
    hold_time_s: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is down, or an attempt failed: the peer has none of our routes.

    `error` are code and subcode of the NOTIFICATION that ended it (RFC 4271, section 4.5), if there was one.
    """

    spec: SessionSpec
    at: float
    why: str
    error: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Programmed:
    """ExaBGP put this on the wire. `attributes` None: withdrawn. `begins_update`: the first prefix of its UPDATE."""

    spec: SessionSpec
    at: float
    prefix: Prefix
    attributes: PathAttributes | None
    begins_update: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class InSync:
    """All that was desired when the session came up is on the wire, End-of-RIB behind it (RFC 4724, section 2)."""

    spec: SessionSpec
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """After close(): its ExaBGP is gone. Only now may another session have the same endpoints."""

    spec: SessionSpec
    at: float


SessionEvent: TypeAlias = Established | Closed | Programmed | InSync | Ended
"""`at` is time.monotonic()."""


class Ending(Enum):
    """How the sessions end with the speaker.

    WITHDRAW: what is on the wire is withdrawn first. RESTART: so it is, but where the peer keeps routes over a restart
    (RFC 4724), which gets neither a withdrawal nor a NOTIFICATION. ABRUPT: at once.
    """

    WITHDRAW = auto()
    RESTART = auto()
    ABRUPT = auto()


class Engine(Protocol):
    """Keeps one session per spec. One owner: only the daemon's loop calls it. None of these calls waits."""

    def open(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> None:
        """Starts the session and keeps it; `routes` is all that it shall say."""

    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        """Changes what the session shall say; None withdraws. In any state, the last word per prefix holds."""

    def close(self, spec: SessionSpec) -> None:
        """Withdraws everything, waits for the wire, ends the session; in the background, bounded in time; then Ended."""
