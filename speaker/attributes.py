"""From what advertisements ask for to the path attributes that one peer gets. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.config import Advertisement, Deprefer
from bgp_config.names import AdvertisementName, IPAddress
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec

DEFAULT_LOCAL_PREF = 100


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """Advertisements that ask for different values of a field, for one route to one peer."""

    field: str
    advertisements: tuple[AdvertisementName, ...]
    chosen: int

    def __str__(self) -> str:
        return f"{', '.join(self.advertisements)} disagree about {self.field} where they overlap: {self.chosen} is used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What the advertisements of one route to one peer ask for together."""

    communities: frozenset[StandardCommunity] = frozenset()
    large_communities: frozenset[LargeCommunity] = frozenset()
    extended_communities: frozenset[ExtendedCommunity] = frozenset()
    local_pref: int | None = None
    med: int | None = None
    prepends: int = 0
    conflicts: frozenset[Conflict] = frozenset()

    @staticmethod
    def union(advertisements: Collection[Advertisement]) -> "Intent":
        """Communities add up. Of different values the one that routers prefer holds, and the conflict is named.

        An advertisement that does not give a value leaves it to the others.
        """
        local_prefs = {a.name: a.local_pref for a in advertisements if a.local_pref is not None}
        meds = {a.name: a.med for a in advertisements if a.med is not None}
        prepends = {a.name: a.as_path_prepend for a in advertisements if a.as_path_prepend is not None}
        local_pref, med = max(local_prefs.values(), default=None), min(meds.values(), default=None)
        prepend = min(prepends.values(), default=0)
        said = (("localPref", local_prefs, local_pref), ("med", meds, med), ("asPathPrepend", prepends, prepend))
        return Intent(
            communities=frozenset().union(*(a.communities for a in advertisements)),
            large_communities=frozenset().union(*(a.large_communities for a in advertisements)),
            extended_communities=frozenset().union(*(a.extended_communities for a in advertisements)),
            local_pref=local_pref,
            med=med,
            prepends=prepend,
            conflicts=frozenset(_conflicts(said)),
        )

    @staticmethod
    def merged(intents: Collection["Intent"]) -> "Intent":
        """Of an aggregate's VIPs: the union again."""
        if len(intents) == 1:
            return next(iter(intents))
        return Intent(
            communities=frozenset().union(*(each.communities for each in intents)),
            large_communities=frozenset().union(*(each.large_communities for each in intents)),
            extended_communities=frozenset().union(*(each.extended_communities for each in intents)),
            local_pref=max((each.local_pref for each in intents if each.local_pref is not None), default=None),
            med=min((each.med for each in intents if each.med is not None), default=None),
            prepends=min(each.prepends for each in intents),
            conflicts=frozenset().union(*(each.conflicts for each in intents)),
        )


_Said = tuple[str, dict[AdvertisementName, int], int | None]


def _conflicts(said: Collection[_Said]) -> Iterator[Conflict]:
    for field, values, chosen in said:
        if chosen is not None and len(set(values.values())) > 1:
            yield Conflict(field, tuple(sorted(values)), chosen)


def path_attributes(
    intent: Intent, state: RouteState, session: SessionSpec, next_hop: IPAddress, deprefer: Deprefer
) -> PathAttributes | None:
    """What goes on the wire of this session; None for a withdrawn route (DESIGN.md, rule 7)."""
    match state:
        case RouteState.WITHDRAWN:
            return None
        case RouteState.NORMAL:
            communities, prepends = intent.communities, intent.prepends
            preference = DEFAULT_LOCAL_PREF if intent.local_pref is None else intent.local_pref
        case RouteState.LEAST_PREFERRED:
            communities, prepends = intent.communities | deprefer.communities, intent.prepends + deprefer.prepends
            preference = deprefer.local_pref
        case RouteState.LAST_RESORT:
            communities, prepends = intent.communities | deprefer.communities, intent.prepends + 2 * deprefer.prepends
            preference = deprefer.local_pref - 1
    internal = session.is_internal
    return PathAttributes(
        next_hop=next_hop,
        # Prepending the own AS on iBGP would look like a loop to the peer; LOCAL_PREF does not leave an AS.
        as_path=() if internal else (session.local_asn,) * (1 + prepends),
        local_pref=preference if internal else None,
        med=intent.med,
        communities=tuple(sorted(communities)),
        large_communities=tuple(sorted(intent.large_communities)),
        extended_communities=tuple(sorted(intent.extended_communities)),
    )
