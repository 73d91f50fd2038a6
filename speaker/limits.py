"""maxPrefixes: which prefixes have a place with a peer that takes only so many. Pure.

The oldest Services have the places, healthy or not, so that all nodes withhold the same whatever they know of endpoints.
Invariant: the answer depends on what is wanted now, never on the order in which it was told. A change costs a search in a
sorted list, and names the other Services that won or lost a place by it.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from bgp_config.names import Family, PeerName, Prefix
from herald.kube.objects import ObjectKey

Wishes = Mapping[PeerName, AbstractSet[Prefix]]
"""The prefixes that a Service wants at each peer."""


class _Seat(NamedTuple):
    """Sorts by age. `created` is a creationTimestamp, which sorts as text."""

    created: str
    service: ObjectKey
    prefix: Prefix


class _Table:
    """Those who want a place with one peer, for one family. A prefix has the seat of its oldest Service."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._claims: dict[Prefix, set[tuple[str, ObjectKey]]] = {}
        self._seats: list[_Seat] = []

    def has_place(self, prefix: Prefix) -> bool:
        last = self._last
        return prefix in self._claims and (last is None or self._seat(prefix) <= last)

    @property
    def beyond(self) -> int:
        """How many have no place."""
        return max(0, len(self._seats) - self._places)

    def change(self, claim: tuple[str, ObjectKey], prefix: Prefix, *, wanted: bool) -> set[ObjectKey]:
        """Returns whoever's place this may have changed."""
        before = self._last
        if prefix in self._claims:
            del self._seats[bisect_left(self._seats, self._seat(prefix))]
        claims = self._claims.setdefault(prefix, set())
        (claims.add if wanted else claims.discard)(claim)
        if claims:
            insort(self._seats, self._seat(prefix))
        else:
            del self._claims[prefix]
        moved = {service for _, service in claims}
        for seat in self._between(before, self._last):
            moved.update(service for _, service in self._claims[seat.prefix])
        return moved

    @property
    def _last(self) -> _Seat | None:
        """The seat of the last place; None while there is one for everybody."""
        return self._seats[self._places - 1] if len(self._seats) > self._places else None

    def _seat(self, prefix: Prefix) -> _Seat:
        return _Seat(*min(self._claims[prefix]), prefix)

    def _between(self, one: _Seat | None, other: _Seat | None) -> list[_Seat]:
        """The seats that are within one limit and not within the other."""
        if one == other:
            return []
        start, end = (len(self._seats) if seat is None else bisect_right(self._seats, seat) for seat in (one, other))
        return self._seats[min(start, end) : max(start, end)]


class PrefixLimits:
    """Of all peers with a limit on this node. One owner: the core."""

    def __init__(self, limits: Mapping[PeerName, int]) -> None:
        self._tables = {(peer, family): _Table(places) for peer, places in limits.items() for family in Family}
        self._wanted: dict[ObjectKey, tuple[str, frozenset[tuple[PeerName, Prefix]]]] = {}

    def __bool__(self) -> bool:
        """Whether any peer has a limit."""
        return bool(self._tables)

    @property
    def beyond(self) -> Mapping[PeerName, int]:
        """By peer, how many prefixes have no place there; peers that take all are left out."""
        found: Counter[PeerName] = Counter()
        for (peer, _), table in self._tables.items():
            found[peer] += table.beyond
        return +found

    def has_place(self, peer: PeerName, prefix: Prefix) -> bool:
        """For a prefix that was wanted. A peer without a limit has a place for all."""
        table = self._tables.get((peer, Family.of(prefix)))
        return table is None or table.has_place(prefix)

    def want(self, service: ObjectKey, created: str, wishes: Wishes) -> set[ObjectKey]:
        """From now on the Service wants exactly this. Returns the other Services that may have won or lost a place."""
        new = frozenset(self._limited(wishes))
        before, old = self._wanted.pop(service, (created, frozenset()))
        if new:
            self._wanted[service] = (created, new)
        moved: set[ObjectKey] = set()
        for peer, prefix in old - new if before == created else old:
            moved |= self._table(peer, prefix).change((before, service), prefix, wanted=False)
        for peer, prefix in new - old if before == created else new:
            moved |= self._table(peer, prefix).change((created, service), prefix, wanted=True)
        return moved - {service}

    def _limited(self, wishes: Wishes) -> Iterable[tuple[PeerName, Prefix]]:
        for peer, prefixes in wishes.items():
            yield from ((peer, prefix) for prefix in prefixes if (peer, Family.of(prefix)) in self._tables)

    def _table(self, peer: PeerName, prefix: Prefix) -> _Table:
        return self._tables[peer, Family.of(prefix)]
