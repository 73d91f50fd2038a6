"""BGP community values as typed numbers (RFC 1997, RFC 4360, RFC 8092). Only numbers: names are read at the edge."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class StandardCommunity:
    """Two 16-bit numbers, written high:low (RFC 1997)."""

    high: int
    low: int

    def __str__(self) -> str:
        return f"{self.high}:{self.low}"


@dataclass(frozen=True, slots=True, order=True)
class LargeCommunity:
    """Three 32-bit numbers, written admin:data1:data2 (RFC 8092)."""

    admin: int
    data1: int
    data2: int

    def __str__(self) -> str:
        return f"{self.admin}:{self.data1}:{self.data2}"


@dataclass(frozen=True, slots=True, order=True)
class ExtendedCommunity:
    """Eight octets, of which the first two say what the others mean (RFC 4360); here as one number."""

    octets: int

    def __str__(self) -> str:
        return f"0x{self.octets:016X}"


Community: TypeAlias = StandardCommunity | LargeCommunity | ExtendedCommunity

GRACEFUL_SHUTDOWN = StandardCommunity(65535, 0)
"""RFC 8326: the receiver should prefer any other path."""
