"""The loop: whatever the kernel does or does not answer, a withdrawal is sent at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

from bgp_config.names import IPAddress, NodeName, Prefix, host_prefix
from herald.kube.objects import KubeObject
from herald.kube.source import Changes
from speaker.daemon import Speaker
from speaker.evidence import Source, Standing
from speaker.netlink import Netlink
from speaker.peering import NodeNetwork
from speaker.reasons import Reason
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec
from speaker.settings import Settings
from speaker.witnesses import Witnesses
from tests.builders import UNREADY, endpoint, endpoint_slice
from tests.unit.speaker.test_core import CONFIG, NETWORK, SYNCED, one_service, upsert

VIPS = [str(ip_address("198.51.100.1") + i) for i in range(3)]
SOON_S = 0.5


class Kernel(Netlink):
    """Counts what is bound; binding takes a while, and it stops answering when `hangs`."""

    def __init__(self) -> None:
        self.hangs = False
        self.addresses: dict[IPAddress, int] = {}

    async def observe(self, peers: Iterable[IPAddress], previous: NodeNetwork) -> NodeNetwork:
        del peers, previous
        await self._answer()
        return NETWORK

    async def device(self, wanted: str) -> int:
        return len(wanted)

    async def bound(self) -> dict[IPAddress, int]:
        await self._answer()
        return dict(self.addresses)

    async def bind(self, vip: IPAddress, index: int) -> None:
        await self._answer()
        await asyncio.sleep(0.002)
        self.addresses[vip] = index

    async def unbind(self, vip: IPAddress, index: int) -> None:
        await self._answer()
        assert self.addresses.pop(vip) == index

    async def unreachable(self) -> set[Prefix]:
        return set()

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


class Engine:
    """Remembers what it was told and never has a session."""

    def __init__(self) -> None:
        self.tables: dict[SessionSpec, dict[Prefix, PathAttributes]] = {}

    def open(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> None:
        self.tables[spec] = dict(routes)

    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        for prefix, attributes in changes.items():
            self.tables[spec].pop(prefix, None)
            if attributes is not None:
                self.tables[spec][prefix] = attributes

    def close(self, spec: SessionSpec) -> None:
        del self.tables[spec]

    def has(self, vip: str) -> bool:
        return any(host_prefix(ip_address(vip)) in table for table in self.tables.values())


class Bench:
    """A speaker that announces VIPS."""

    def __init__(self, *, binds: bool) -> None:
        self.kernel, self.engine, self.changes, self.stop = Kernel(), Engine(), Changes(), asyncio.Event()
        settings = Settings(
            node_name=NodeName("node1"),
            runtime_dir=Path("unused"),
            load_balancer_class="herald-lb.io/bgp",
            bind_device="lo" if binds else None,
        )
        self.speaker = Speaker(settings, self.kernel, self.changes, Witnesses.of(settings, self.changes.wake))

    def post(self, things: Iterable[KubeObject]) -> None:
        for thing in things:
            self.changes.post(upsert(thing))

    def fail(self, vip: str) -> None:
        self.post([endpoint_slice(f"web-{vip}", [endpoint("node1", "10.244.1.1", UNREADY)])])

    async def until(self, holds: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"not within {within_s} s"
            await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(*, binds: bool = False) -> AsyncIterator[Bench]:
    made = Bench(binds=binds)
    made.post(CONFIG)
    for vip in VIPS:
        made.post(one_service(f"web-{vip}", vip))
    for synced in SYNCED:
        made.changes.post(synced)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made.speaker.run(made.engine, made.stop))
        await made.until(lambda: all(made.engine.has(vip) for vip in VIPS), 5)
        yield made
        made.kernel.hangs = False
        made.stop.set()


async def test_a_kernel_that_does_not_answer_delays_no_withdrawal() -> None:
    async with bench(binds=True) as made:
        made.kernel.hangs = True
        made.post(one_service("other", "198.51.100.200"))
        made.fail(VIPS[0])
        await made.until(lambda: not made.engine.has(VIPS[0]), SOON_S)
        assert not made.engine.has("198.51.100.200")
        made.fail(VIPS[1])
        await made.until(lambda: not made.engine.has(VIPS[1]), 2)
        assert made.speaker.is_turning()


async def test_a_kernel_that_does_not_answer_how_peers_are_reached_delays_nothing_for_long() -> None:
    async with bench() as made:
        made.kernel.hangs = True
        made.changes.post(SYNCED[0])
        made.fail(VIPS[0])
        await made.until(lambda: not made.engine.has(VIPS[0]), 4)
        assert made.engine.has(VIPS[1])


async def test_a_withdrawal_passes_the_vips_that_wait_to_be_bound() -> None:
    async with bench(binds=True) as made:
        many = [str(ip_address("198.51.100.4") + i) for i in range(250)]  # more than a slice
        for vip in many:
            made.post(one_service(f"web-{vip}", vip))
        await made.until(lambda: len(made.kernel.addresses) > len(VIPS), 2)
        made.fail(VIPS[0])
        await made.until(lambda: not made.engine.has(VIPS[0]), 2)
        assert len(made.kernel.addresses) < len(VIPS) + len(many)
        await made.until(lambda: all(made.engine.has(vip) for vip in many), 5)


async def test_a_loop_that_hangs_is_told() -> None:
    async with bench() as made:
        assert made.speaker.is_turning()
        made.speaker.turned_at -= 6
        assert not made.speaker.is_turning()


async def test_others_hear_at_once_of_a_vip_that_the_node_doubts_and_need_not_of_an_endpoint_that_went() -> None:
    async with bench() as made:
        told: list[None] = []
        made.speaker.on_change = lambda: told.append(None)
        made.fail(VIPS[0])
        await made.until(lambda: not made.engine.has(VIPS[0]), SOON_S)
        assert not told
        sick = Standing(RouteState.WITHDRAWN, Reason.HEALTH_CHECK_FAILED)
        made.speaker.core.doubt(Source.HEALTH, ip_address(VIPS[1]), sick)
        made.changes.wake()
        await made.until(lambda: bool(told), SOON_S)
