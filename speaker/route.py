"""The words for routes: what is announced to a peer, and how strongly."""

from dataclasses import dataclass
from enum import IntEnum

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.names import ASN, IPAddress


class RouteState(IntEnum):
    """Three states, not two (DESIGN.md, rule 7). A higher one is preferred by every router.

    Least preferred has two degrees: a node that leaves as planned still goes before one that may be sick.
    """

    WITHDRAWN = 0
    LAST_RESORT = 1
    LEAST_PREFERRED = 2
    NORMAL = 3

    @property
    def is_announced(self) -> bool:
        return self is not RouteState.WITHDRAWN

    @property
    def is_least_preferred(self) -> bool:
        """In either degree."""
        return self in {RouteState.LAST_RESORT, RouteState.LEAST_PREFERRED}

    @property
    def word(self) -> str:
        """For people and for JSON, which know three states; the reason tells the degrees apart."""
        return "least_preferred" if self.is_least_preferred else self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathAttributes:
    """The path attributes of one route as one peer gets them, ready for the wire (RFC 4271, section 5).

    `as_path` is what is written literally: the own ASN first on eBGP, empty on iBGP. `local_pref` only on iBGP.
    """

    next_hop: IPAddress
    as_path: tuple[ASN, ...] = ()
    local_pref: int | None = None
    med: int | None = None
    communities: tuple[StandardCommunity, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    extended_communities: tuple[ExtendedCommunity, ...] = ()
