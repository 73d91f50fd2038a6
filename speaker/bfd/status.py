"""What BFD and the speaker tell each other about: a hop, and how the session over it is. Pure."""

from dataclasses import dataclass

from bgp_config.names import IPAddress
from speaker.bfd.packet import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """The link that a session watches, by its two ends. `interface` says where link-local addresses are meant.

    ValueError for what can be no link.
    """

    local: IPAddress
    peer: IPAddress
    interface: str | None = None

    def __post_init__(self) -> None:
        if self.local.version != self.peer.version:
            raise ValueError(f"{self.local} and {self.peer} are of two families")
        if self.interface is not None and (not self.interface or "\0" in self.interface):
            raise ValueError(f"{self.interface!r} names no interface")

    def __str__(self) -> str:
        return f"{self.local}->{self.peer}" + (f"%{self.interface}" if self.interface else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A session as it is. `since`: of `state`, time.monotonic(). `diag`: why, in numbers of RFC 5880, 4.1.

    `detection_time_s`: how long the peer may be silent, as negotiated; 0 if it has not spoken yet. `peer_detection_time_s`:
    how long the peer waits for us, as it was when the session was last Up. `was_up`: it has been Up since it began, or since
    the peer last said AdminDown; a program that has just started knows of nothing before.
    """

    hop: Hop
    state: State
    diag: int
    remote_state: State
    remote_diag: int
    since: float
    detection_time_s: float
    peer_detection_time_s: float
    was_up: bool
