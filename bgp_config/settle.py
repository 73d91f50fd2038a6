"""Settles which form of each object of one kind is in force: its current one, its last good one, or none. Pure.

Objects take their turn by age, then name, never by arrival. A refused or unresolvable object keeps its last good form
unless an older object now claims the same. A pool that is terminating claims nothing, and nobody's claim concerns it.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from bgp_config.claims import Claims, Form
from bgp_config.communities import Community
from bgp_config.config import Advertisement, Pool
from bgp_config.meaning import UnresolvedAdvertisement
from bgp_config.names import CommunityName, PoolName
from bgp_config.parse import Accepted, Parsed, Refused
from bgp_config.problem import Problem
from bgp_config.verdict import InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigObject:
    """An object as it is now. `created` as in metadata.creationTimestamp, which sorts as text; empty in files.

    `terminating`: somebody has deleted it, and a finalizer keeps it.
    """

    name: str
    created: str
    generation: int
    parsed: Parsed
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The form in force, if any, and what speaks against the current one."""

    form: Form | None
    in_force: InForce
    problems: tuple[Problem, ...] = ()


def settle(
    objects: Iterable[ConfigObject],
    last_good: Mapping[str, Form],
    communities: Mapping[CommunityName, Community],
    pools: AbstractSet[PoolName] = frozenset(),
) -> dict[str, Standing]:
    """By name. All `objects` are of one kind; advertisements are in force with these communities and pools."""
    claims = Claims()
    standings = {}
    for each in sorted(objects, key=lambda o: (o.created, o.name)):
        standing = _stand(each, last_good.get(each.name), claims, communities)
        if isinstance(standing.form, Advertisement):
            standing = _as_long_as_pools_are_missing(standing, last_good.get(each.name), pools)
        elif isinstance(standing.form, Pool) and each.terminating:
            standing = replace(standing, form=replace(standing.form, terminating=True))
        elif standing.form is not None:
            claims.take(standing.form)
        standings[each.name] = standing
    return standings


def _as_long_as_pools_are_missing(standing: Standing, last_good: Form | None, pools: AbstractSet[PoolName]) -> Standing:
    """One whose pools are all still to come keeps what it said, if that means anything: its pool is being renamed."""
    form = standing.form
    if not isinstance(form, Advertisement) or not isinstance(last_good, Advertisement):
        return standing
    if _names_any(form, pools) or not _names_any(last_good, pools):
        return standing
    return Standing(last_good, InForce.LAST_GOOD, standing.problems)


def _names_any(advertisement: Advertisement, pools: AbstractSet[PoolName]) -> bool:
    return advertisement.pools is None or not advertisement.pools.isdisjoint(pools)


def _stand(
    each: ConfigObject, last_good: Form | None, claims: Claims, communities: Mapping[CommunityName, Community]
) -> Standing:
    form, problems = _current(each.parsed, communities)
    if form is not None:
        problems = () if each.terminating else claims.conflicts(form)
        if not problems:
            return Standing(form, InForce.CURRENT)
    if last_good is not None and (each.terminating or not claims.conflicts(last_good)):
        return Standing(last_good, InForce.LAST_GOOD, problems)
    return Standing(None, InForce.NOTHING, problems)


def _current(parsed: Parsed, communities: Mapping[CommunityName, Community]) -> tuple[Form | None, tuple[Problem, ...]]:
    match parsed:
        case Refused():
            return None, parsed.problems
        case Accepted():
            meaning = parsed.meaning
            return meaning.resolve(communities) if isinstance(meaning, UnresolvedAdvertisement) else meaning, ()
