"""Who holds which address. Pure; one owner.

A Service claims every address that its status shows, that was decided for it, or that an unanswered write may have given
it. Invariants: an address is free only when nobody claims it; when several claim it (a restored backup, a foreign hand), the
oldest Service holds it, which is also what every speaker concludes. Claims do not depend on pools: an address stays held
when its pool is deleted. A pool that is terminating gives none, and counts as no pool here.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bgp_config.config import Config, Pool
from bgp_config.names import Family, IPAddress, PoolName, Prefix
from controller.ipam import PoolSpace
from herald.kube.objects import ObjectKey, Service


class Seniority(NamedTuple):
    """Orders Services: the smallest is the oldest. A Service without creationTimestamp, as in files, counts as very old."""

    created: str
    key: ObjectKey

    @staticmethod
    def of(service: Service) -> "Seniority":
        return Seniority(service.metadata.creation_timestamp or "", service.key)


class Ledger:
    """Finding, claiming and releasing cost the logarithm of the number of Services, whatever the size of the pools."""

    def __init__(self) -> None:
        self._spaces: Mapping[PoolName, PoolSpace] = MappingProxyType({})
        self._claims_on: dict[IPAddress, set[Seniority]] = {}
        self._claims_of: dict[ObjectKey, tuple[Seniority, frozenset[IPAddress]]] = {}

    @property
    def pools(self) -> Mapping[PoolName, PoolSpace]:
        """By name, in the order of names: the order in which they are tried."""
        return self._spaces

    def set_pools(self, config: Config, forbidden: Iterable[Prefix]) -> None:
        """Replaces all pools. Claims stay."""
        forbidden = tuple(forbidden)
        live = sorted(name for name, pool in config.pools.items() if not pool.terminating)
        self._spaces = MappingProxyType({name: PoolSpace(config.pools[name], forbidden) for name in live})
        for address in self._claims_on:
            if space := self.space_of(address):
                space.take(address)

    def space_of(self, address: IPAddress) -> PoolSpace | None:
        """The pool that contains the address; these never overlap."""
        return next((space for space in self._spaces.values() if address in space.pool), None)

    def holder(self, address: IPAddress) -> ObjectKey | None:
        """None when the address is free, or in no pool and nobody's."""
        oldest = min(self._claims_on.get(address, ()), default=None)
        return oldest.key if oldest else None

    def held_in(self, pool: Pool) -> frozenset[IPAddress]:
        """The addresses of the pool that are claimed. Looks at every claim: for pools that are terminating only."""
        return frozenset(address for address in self._claims_on if address in pool)

    def claimants(self, address: IPAddress) -> frozenset[ObjectKey]:
        return frozenset(claim.key for claim in self._claims_on.get(address, ()))

    def lowest_free(self, pool: PoolName, family: Family) -> IPAddress | None:
        return self._spaces[pool].lowest_free(family)

    def claim(self, who: Seniority, addresses: frozenset[IPAddress]) -> frozenset[IPAddress]:
        """From now on this Service claims exactly these. Returns the addresses that have another holder, or none, for it."""
        was, before = self._claims_of.get(who.key, (who, frozenset()))
        if (was, before) == (who, addresses):
            return frozenset()
        holders = {address: self.holder(address) for address in before | addresses}
        for address in before:
            self._claims_on[address].discard(was)
        for address in addresses:
            self._claims_on.setdefault(address, set()).add(who)
        self._mark(before - addresses, addresses - before)
        self._claims_of[who.key] = who, addresses
        if not addresses:
            del self._claims_of[who.key]
        return frozenset(address for address, holder in holders.items() if self.holder(address) != holder)

    def _mark(self, given_up: frozenset[IPAddress], taken: frozenset[IPAddress]) -> None:
        for address in given_up:
            if not self._claims_on[address]:
                del self._claims_on[address]
                if space := self.space_of(address):
                    space.release(address)
        for address in taken:
            if space := self.space_of(address):
                space.take(address)
