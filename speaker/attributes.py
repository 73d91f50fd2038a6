"""From what advertisements ask for to the path attributes that one peer gets. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from bgp_config.communities import GRACEFUL_SHUTDOWN, LargeCommunity, StandardCommunity
from bgp_config.config import Advertisement
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec

DEFAULT_LOCAL_PREF = 100
PREPENDS = 6
"""How many more times the own ASN is prepended to a least preferred route on eBGP (DESIGN.md, rule 7)."""
LEAST_LOCAL_PREF = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What the advertisements of one route to one peer ask for together."""

    communities: frozenset[StandardCommunity] = frozenset()
    large_communities: frozenset[LargeCommunity] = frozenset()
    local_pref: int | None = None

    @staticmethod
    def union(advertisements: Collection[Advertisement]) -> "Intent":
        """Communities add up; of several LOCAL_PREFs the highest holds."""
        preferences = [a.local_pref for a in advertisements if a.local_pref is not None]
        return Intent(
            communities=frozenset().union(*(a.communities for a in advertisements)),
            large_communities=frozenset().union(*(a.large_communities for a in advertisements)),
            local_pref=max(preferences, default=None),
        )


def path_attributes(intent: Intent, state: RouteState, session: SessionSpec) -> PathAttributes | None:
    """What goes on the wire of this session; None for a withdrawn route."""
    match state:
        case RouteState.WITHDRAWN:
            return None
        case RouteState.NORMAL:
            communities, prepends = intent.communities, 0
            preference = DEFAULT_LOCAL_PREF if intent.local_pref is None else intent.local_pref
        case RouteState.LEAST_PREFERRED:
            communities, prepends = intent.communities | {GRACEFUL_SHUTDOWN}, PREPENDS
            preference = LEAST_LOCAL_PREF
    internal = session.is_internal
    return PathAttributes(
        next_hop=session.local_address,
        # Prepending the own AS on iBGP would look like a loop to the peer; LOCAL_PREF does not leave an AS.
        as_path=() if internal else (session.local_asn,) * (1 + prepends),
        local_pref=preference if internal else None,
        communities=tuple(sorted(communities)),
        large_communities=tuple(sorted(intent.large_communities)),
    )
