"""Which addresses of a pool are free. Pure bookkeeping: who holds them and why is the ledger's business.

A set of addresses is kept as its maximal intervals in ascending order. So the cost of every operation depends on the number
of intervals (at most one more than there are Services), never on the number of addresses: a binary search, and for a change
a shift of two arrays of machine words. A /8 or an IPv6 /64 is as quick as a /28, full or empty.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from bgp_config.config import AddressRange, Pool
from bgp_config.names import Family, IPAddress, Prefix, host_prefix


class AddressSet:
    """A set of addresses of one family.

    Invariants: interval i is _first[i].._last[i], both included; intervals neither overlap nor touch; `size` is their sum.
    """

    def __init__(self, family: Family, ranges: Iterable[AddressRange] = ()) -> None:
        self.family = family
        self.size = 0
        self._first: list[int] = []
        self._last: list[int] = []
        for each in ranges:
            if each.family is family:
                self._insert(int(each.first), int(each.last))

    def __contains__(self, address: IPAddress) -> bool:
        number = int(address)
        index = bisect_right(self._first, number) - 1
        return address.version == self.family and index >= 0 and number <= self._last[index]

    def copy(self) -> "AddressSet":
        twin = AddressSet(self.family)
        twin.size, twin._first, twin._last = self.size, self._first.copy(), self._last.copy()
        return twin

    def lowest(self) -> IPAddress | None:
        """The lowest address, or None when empty."""
        if not self._first:
            return None
        return IPv4Address(self._first[0]) if self.family is Family.IPV4 else IPv6Address(self._first[0])

    def add(self, address: IPAddress) -> None:
        self._insert(int(address), int(address))

    def discard(self, prefix: Prefix) -> None:
        """Take out all addresses of a prefix. Those that are not in the set, or of the other family, do not matter."""
        if prefix.version == self.family:
            self._remove(int(prefix.network_address), int(prefix.broadcast_address))

    def _insert(self, first: int, last: int) -> None:
        low = bisect_left(self._last, first - 1)  # the first interval that touches or overlaps, or comes after
        high = bisect_right(self._first, last + 1)  # one beyond the last of them
        if low < high:
            first, last = min(first, self._first[low]), max(last, self._last[high - 1])
        self._replace(low, high, [(first, last)])

    def _remove(self, first: int, last: int) -> None:
        low = bisect_left(self._last, first)
        high = bisect_right(self._first, last)
        if low < high:
            rest = [(self._first[low], first - 1), (last + 1, self._last[high - 1])]
            self._replace(low, high, [(start, stop) for start, stop in rest if start <= stop])

    def _replace(self, low: int, high: int, intervals: list[tuple[int, int]]) -> None:
        """Put these in the place of the intervals low..high-1."""
        self.size -= sum(self._last[i] - self._first[i] + 1 for i in range(low, high))
        self.size += sum(last - first + 1 for first, last in intervals)
        self._first[low:high] = [first for first, _ in intervals]
        self._last[low:high] = [last for _, last in intervals]


class PoolSpace:
    """One pool: what may be assigned at all (its ranges without forbidden addresses), and what of that is free now."""

    def __init__(self, pool: Pool, forbidden: Iterable[Prefix]) -> None:
        self.pool = pool
        self._assignable = {family: AddressSet(family, pool.ranges) for family in Family}
        for prefix in forbidden:
            self._assignable[Family.of(prefix)].discard(prefix)
        self._free = {family: addresses.copy() for family, addresses in self._assignable.items()}

    def has(self, family: Family) -> bool:
        """Does the pool have any addresses of the family, free or not."""
        return self._assignable[family].size > 0

    def may_assign(self, address: IPAddress) -> bool:
        """In the pool and not forbidden."""
        return address in self._assignable[Family.of(address)]

    def lowest_free(self, family: Family) -> IPAddress | None:
        return self._free[family].lowest()

    def take(self, address: IPAddress) -> None:
        """From now on it is not free."""
        self._free[Family.of(address)].discard(host_prefix(address))

    def release(self, address: IPAddress) -> None:
        """Free again, if it may be assigned at all."""
        if self.may_assign(address):
            self._free[Family.of(address)].add(address)

    def size(self, family: Family) -> int:
        return self._assignable[family].size

    def used(self, family: Family) -> int:
        return self._assignable[family].size - self._free[family].size
