"""Warns of advertisements that select the same routes and disagree about them. Pure.

Only of those that overlap for certain: selectors are compared, not evaluated. What a node then announces, and for which
Services, the speaker says; here the author is told while the objects are read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple, TypeVar

from bgp_config.config import Advertisement
from bgp_config.names import AdvertisementName
from bgp_config.problem import Problem

T = TypeVar("T")


class _Said(NamedTuple):
    """A field, the values that advertisements give it, and whether the highest or the lowest is used."""

    field: str
    values: Mapping[AdvertisementName, int]
    highest: bool


def disagreements(advertisements: Collection[Advertisement]) -> dict[AdvertisementName, tuple[Problem, ...]]:
    """By name, of those that disagree with another."""
    by_name = {each.name: each for each in advertisements}
    found: dict[AdvertisementName, list[Problem]] = {}
    for said in _said(advertisements):
        for one, other in combinations(sorted(said.values), 2):
            if said.values[one] != said.values[other] and _overlap(by_name[one], by_name[other]):
                found.setdefault(one, []).append(_problem(said, one, other))
                found.setdefault(other, []).append(_problem(said, other, one))
    return {name: tuple(problems) for name, problems in found.items()}


def _said(advertisements: Iterable[Advertisement]) -> Iterator[_Said]:
    for field, attribute, highest in (
        ("localPref", "local_pref", True),
        ("med", "med", False),
        ("asPathPrepend", "as_path_prepend", False),
    ):
        values = {each.name: getattr(each, attribute) for each in advertisements}
        yield _Said(field, {name: value for name, value in values.items() if value is not None}, highest)


def _problem(said: _Said, name: AdvertisementName, other: AdvertisementName) -> Problem:
    mine, theirs = said.values[name], said.values[other]
    used = max(mine, theirs) if said.highest else min(mine, theirs)
    return Problem(
        f"spec.{said.field}",
        f"is {mine}, and BGPAdvertisement {other}, which selects the same, says {theirs}: {used} is used where both apply",
        "Say it once, or select other pools, peers, nodes or Services.",
    )


def _overlap(one: Advertisement, other: Advertisement) -> bool:
    return (
        _share(one.pools, other.pools)
        and _share(one.peers, other.peers)
        and _equal(one.node_selectors, other.node_selectors)
        and _equal(one.service_selectors, other.service_selectors)
        and (
            one.aggregation_length_v4 == other.aggregation_length_v4
            or one.aggregation_length_v6 == other.aggregation_length_v6
        )
    )


def _share(one: frozenset[T] | None, other: frozenset[T] | None) -> bool:
    return one is None or other is None or not one.isdisjoint(other)


def _equal(one: T | None, other: T | None) -> bool:
    return one is None or other is None or one == other
