"""Every block of every pool is a blackhole for what comes from outside, and nothing else is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address, ip_network

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.config import AddressRange, Pool
from bgp_config.names import NodeName, PoolName, Prefix
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone, Synced, Upsert
from herald.lab.waiting import until
from speaker.core import Core
from speaker.netlink import Netlink
from speaker.pool_guard import PoolGuard, blocks
from tests.builders import peer_manifest, pool_manifest

NET, NET6 = ip_network("198.51.100.0/24"), ip_network("2001:db8:100::/112")
OTHER = ip_network("203.0.113.0/25")


class Kernel(Netlink):
    """Its blackholes; it refuses the first `refusals` changes."""

    def __init__(self, present: Iterable[Prefix] = (), refusals: int = 0) -> None:
        self.present, self.refusals, self.has_rules = set(present), refusals, False
        self.dumps = 0

    async def blackholes(self) -> set[Prefix]:
        self.dumps += 1
        return set(self.present)

    async def add_blackhole(self, prefix: Prefix) -> None:
        if self.refusals:
            self.refusals -= 1
            raise NetlinkError(1)
        self.present.add(prefix)

    async def remove_blackhole(self, prefix: Prefix) -> None:
        self.present.remove(prefix)

    async def ensure_blackhole_rules(self) -> None:
        self.has_rules = True


@asynccontextmanager
async def running(guard: PoolGuard, kernel: Kernel) -> AsyncIterator[None]:
    task = asyncio.create_task(guard.run(kernel))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def upsert(name: str, cidrs: Iterable[Prefix]) -> Upsert:
    thing = pool_manifest(name, *map(str, cidrs))
    return Upsert(thing.kind, thing.key, thing)


def core(*cidrs: Prefix) -> Core:
    """One that has heard of everything there is: a pool of these blocks, if any."""
    made = Core(NodeName("node1"), "herald-lb.io/bgp")
    pools = [upsert("p", cidrs)] if cidrs else []
    made.apply([*pools, *(Synced(kind) for kind in Kind)])
    return made


def test_a_range_is_as_few_prefixes_as_can_be() -> None:
    block = AddressRange(first=ip_address("10.0.0.1"), last=ip_address("10.0.0.8"))
    found = blocks([Pool(name=PoolName("p"), ranges=(block,))])
    assert found == {ip_network(text) for text in ("10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/32")}


async def test_the_kernel_has_a_blackhole_for_each_block_and_none_that_is_left_over() -> None:
    kernel, guard = Kernel({OTHER, NET}), PoolGuard()
    async with running(guard, kernel):
        guard.testify(core(NET, NET6), 0.0)
        await until(lambda: kernel.present == {NET, NET6} and kernel.has_rules, 2)


async def test_a_pool_that_comes_or_goes_is_followed() -> None:
    kernel, guard, cluster = Kernel(), PoolGuard(), core(NET)
    async with running(guard, kernel):
        guard.testify(cluster, 0.0)
        await until(lambda: kernel.present == {NET}, 2)
        cluster.apply([upsert("q", [OTHER])])
        guard.testify(cluster, 1.0)
        await until(lambda: kernel.present == {NET, OTHER}, 2)
        cluster.apply([Gone(Kind.ADDRESS_POOL, ObjectKey("", "p"))])
        guard.testify(cluster, 2.0)
        await until(lambda: kernel.present == {OTHER}, 2)


async def test_what_is_left_over_goes_where_there_is_no_pool() -> None:
    kernel, guard = Kernel({NET}), PoolGuard()
    async with running(guard, kernel):
        guard.testify(core(), 0.0)
        await until(lambda: not kernel.present, 2)


async def test_a_change_of_anything_else_does_not_ask_the_kernel() -> None:
    kernel, guard, cluster = Kernel(), PoolGuard(), core(NET)
    tor1 = peer_manifest("tor1")
    async with running(guard, kernel):
        guard.testify(cluster, 0.0)
        await until(lambda: kernel.has_rules, 2)
        before = cluster.cluster.config
        cluster.apply([Upsert(tor1.kind, tor1.key, tor1)])
        guard.testify(cluster, 1.0)
        assert cluster.cluster.config is not before
        for _ in range(5):  # whoever was woken has run by then
            await asyncio.sleep(0)
        guard.testify(core(NET, OTHER), 2.0)
        await until(lambda: OTHER in kernel.present, 2)
        assert kernel.dumps == 2


async def test_nothing_changes_before_the_pools_have_been_heard_of() -> None:
    kernel, guard = Kernel({NET}), PoolGuard()
    async with running(guard, kernel):
        guard.testify(Core(NodeName("node1"), "herald-lb.io/bgp"), 0.0)
        await asyncio.sleep(0.05)
        assert kernel.present == {NET}


async def test_a_refusal_is_an_error_with_its_remedy(caplog: pytest.LogCaptureFixture) -> None:
    kernel, guard = Kernel(refusals=1), PoolGuard()
    with caplog.at_level(logging.ERROR):
        async with running(guard, kernel):
            guard.testify(core(NET), 0.0)
            await until(lambda: caplog.records, 2)
    assert "CAP_NET_ADMIN" in str(caplog.records[0].__dict__)
