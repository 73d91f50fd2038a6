"""What is seen of the lab: routers' kernels and sessions, the Services' VIPs, the programs' memory and files. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from bgp_config.names import IPAddress

NextHops: TypeAlias = Mapping[str, Mapping[IPAddress, frozenset[str]]]
"""By ToR and VIP, the nodes that its kernel sends that traffic to."""
Vips: TypeAlias = Mapping[str, tuple[IPAddress, ...]]
"""By Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A session is Established since a time between these (monotonic)."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """By ToR and node, the sessions that are Established. `asked` and `answered`: when the routers were."""

    asked: float
    answered: float
    since: Mapping[tuple[str, str], Since] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """By ToR, node and VIP, each path that the ToR was told, used or not: whether it is the least preferred.

    `asked` and `answered`: when the routers were.
    """

    asked: float
    answered: float
    least_preferred: Mapping[tuple[str, str, IPAddress], bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one process has at that time: resident memory, and open files."""

    at: float
    memory_bytes: int
    files: int


class Invariant(StrEnum):
    """What must hold at any time, whatever happens."""

    CAN_ANSWER = "no next hop that cannot answer"
    PRESENT = "no healthy node without its traffic"
    UNIQUE = "no VIP twice, and none that moves"
    SESSIONS = "no session reset by an unrelated event"
    MEMORY = "memory does not grow"
    DRAINED = "no drain that skips a step"
    FILES = "open files do not grow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """`what`: by whom, and how, in one line."""

    invariant: Invariant
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"
