import random
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import AddressRange, Pool
from bgp_config.names import Family, PoolName, Prefix
from controller.ipam import AddressSet, PoolSpace
from tests.builders import ip
from tests.unit.controller.build import pool

small = st.integers(0, 15)
operations = st.lists(st.tuples(st.sampled_from(["add", "discard"]), small, st.sampled_from([28, 30, 31, 32])))


def range_of(cidr: str) -> AddressRange:
    network = ip_network(cidr)
    return AddressRange(first=network[0], last=network[-1])


@given(operations, st.lists(st.tuples(small, small), max_size=3))
def test_an_address_set_is_a_set(steps: list[tuple[str, int, int]], spans: list[tuple[int, int]]) -> None:
    ranges = [AddressRange(first=IPv4Address(min(span)), last=IPv4Address(max(span))) for span in spans]
    addresses = AddressSet(Family.IPV4, ranges)
    model = {number for span in spans for number in range(min(span), max(span) + 1)}
    for word, number, length in steps:
        if word == "add":
            addresses.add(IPv4Address(number))
            model.add(number)
        else:
            prefix = IPv4Network((number, length), strict=False)
            addresses.discard(prefix)
            model -= {int(address) for address in prefix}
        assert {n for n in range(16) if IPv4Address(n) in addresses} == model
        assert addresses.size == len(model)
        assert addresses.lowest() == (IPv4Address(min(model)) if model else None)


@given(operations)
def test_intervals_stay_maximal_and_in_order(steps: list[tuple[str, int, int]]) -> None:
    addresses = AddressSet(Family.IPV4, [range_of("0.0.0.0/28")])
    for word, number, length in steps:
        if word == "add":
            addresses.add(IPv4Address(number))
        else:
            addresses.discard(IPv4Network((number, length), strict=False))
        intervals = list(zip(addresses._first, addresses._last, strict=True))
        assert all(first <= last for first, last in intervals)
        assert all(last + 1 < first for (_, last), (first, _) in pairwise(intervals))


def test_the_other_family_is_never_contained() -> None:
    addresses = AddressSet(Family.IPV4, [range_of("0.0.0.0/0"), range_of("::/0")])
    assert ip("0.0.0.5") in addresses
    assert ip("::5") not in addresses
    addresses.discard(IPv6Network("::/0"))
    assert addresses.size == 2**32


def test_a_copy_does_not_change_with_the_original() -> None:
    addresses = AddressSet(Family.IPV4, [range_of("0.0.0.0/28")])
    twin = addresses.copy()
    addresses.discard(IPv4Network("0.0.0.0/28"))
    assert (addresses.size, twin.size, twin.lowest()) == (0, 16, ip("0.0.0.0"))


def test_a_pool_gives_the_lowest_free_address_of_all_its_ranges() -> None:
    space = PoolSpace(pool("p", "10.0.0.8-10.0.0.9", "10.0.0.1-10.0.0.2"), [])
    given_out = []
    while (free := space.lowest_free(Family.IPV4)) is not None:
        space.take(free)
        given_out.append(str(free))
    assert given_out == ["10.0.0.1", "10.0.0.2", "10.0.0.8", "10.0.0.9"]
    assert (space.size(Family.IPV4), space.used(Family.IPV4)) == (4, 4)
    space.release(ip("10.0.0.2"))
    assert space.lowest_free(Family.IPV4) == ip("10.0.0.2")
    assert space.used(Family.IPV4) == 3


def test_a_forbidden_address_is_never_free_not_even_after_a_release() -> None:
    forbidden: list[Prefix] = [IPv4Network("10.0.0.1/32"), IPv4Network("10.0.0.4/30"), IPv6Network("2001:db8::/64")]
    space = PoolSpace(pool("p", "10.0.0.1-10.0.0.7", "2001:db8::1"), forbidden)
    for number in range(1, 8):
        space.release(ip(f"10.0.0.{number}"))
    assert space.size(Family.IPV4) == 2
    assert [str(ip(f"10.0.0.{n}")) for n in range(1, 8) if space.may_assign(ip(f"10.0.0.{n}"))] == ["10.0.0.2", "10.0.0.3"]
    assert not space.has(Family.IPV6)
    assert space.lowest_free(Family.IPV6) is None


def test_an_address_outside_the_pool_never_becomes_free_in_it() -> None:
    space = PoolSpace(pool("p", "10.0.0.1"), [])
    space.take(ip("10.0.0.1"))
    space.release(ip("10.0.0.2"))
    assert space.lowest_free(Family.IPV4) is None


@pytest.mark.timing
def test_the_size_of_a_pool_does_not_matter_full_or_empty() -> None:
    """Compares with a /28 within one run. A search address by address would take thousands of times as long."""

    def space_of(cidr: str) -> PoolSpace:
        return PoolSpace(Pool(name=PoolName("p"), ranges=(range_of(cidr),)), [])

    def one_in_use(space: PoolSpace, family: Family) -> Callable[[], None]:
        def step() -> None:
            free = space.lowest_free(family)
            assert free is not None
            space.take(free)
            space.release(free)

        return step

    def full(space: PoolSpace, family: Family) -> Callable[[], None]:
        """All taken but the last: the search has to pass everything, if it searches."""
        last = space.pool.ranges[0].last
        space._free[family] = AddressSet(family, [AddressRange(first=last, last=last)])
        return one_in_use(space, family)

    def scattered(space: PoolSpace, family: Family) -> Callable[[], None]:
        """10,000 Services at random addresses."""
        numbers = random.Random(1).sample(range(2**20), 10_000)  # noqa: S311 -- any numbers
        first = int(space.pool.ranges[0].first)
        for number in numbers:
            space.take(IPv4Address(first + number))
        return one_in_use(space, family)

    small_pool = seconds(one_in_use(space_of("10.0.0.0/28"), Family.IPV4))
    others = {
        "empty /8": one_in_use(space_of("10.0.0.0/8"), Family.IPV4),
        "full /8": full(space_of("10.0.0.0/8"), Family.IPV4),
        "empty /64": one_in_use(space_of("2001:db8::/64"), Family.IPV6),
        "full /64": full(space_of("2001:db8::/64"), Family.IPV6),
        "scattered /8": scattered(space_of("10.0.0.0/8"), Family.IPV4),
    }
    ratios = {name: seconds(step) / small_pool for name, step in others.items()}
    assert max(ratios.values()) < 10, ratios


def seconds(step: Callable[[], None]) -> float:
    """The best of several rounds, since others use the machine too."""
    rounds = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(300):
            step()
        rounds.append(time.perf_counter() - start)
    return min(rounds)
