import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from bgp_config.names import IPAddress
from controller.metrics import ControllerCollector
from controller.plan import KINDS, Plan
from controller.reconcile import WRITERS, Reconciler
from controller.record import SetIngress
from herald.kube.objects import Kind, ObjectKey, Service
from herald.kube.ports import WriteRefusedError
from herald.kube.source import Changes, Gone, Synced, Upsert
from tests.builders import ip
from tests.unit.controller.build import CLASS, key, lb, pool_manifest

TWO = pool_manifest("two", "10.0.0.0/31")


class FakeWriter:
    """Keeps what is written. `failures` are raised first, one a call; while `gate` is clear no write ends."""

    def __init__(self, *failures: Exception) -> None:
        self.ingress: dict[ObjectKey, tuple[IPAddress, ...]] = {}
        self.pending: dict[ObjectKey, str] = {}
        self.forgotten: list[ObjectKey] = []
        self.failures = list(failures)
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> str:
        await self._pass()
        self.ingress[service.key] = tuple(vips)
        self.pending.pop(service.key, None)
        return ""

    async def write_pending(self, service: Service, reason: str, message: str) -> str:
        await self._pass()
        assert message
        self.pending[service.key] = reason
        return ""

    async def forget(self, service: Service) -> None:
        await self._pass()
        self.ingress.pop(service.key, None)
        self.forgotten.append(service.key)

    async def _pass(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        if self.failures:
            raise self.failures.pop(0)


@asynccontextmanager
async def running(
    writer: FakeWriter, *services: Service, leftovers: Sequence[Service] = ()
) -> AsyncIterator[tuple[Reconciler, Changes]]:
    reconciler, changes = Reconciler(Plan(CLASS), writer, leftovers), Changes()
    for service in services:
        changes.post(Upsert(Kind.SERVICE, service.key, service))
    changes.post(Upsert(Kind.ADDRESS_POOL, TWO.key, TWO))
    for kind in KINDS:
        changes.post(Synced(kind))
    async with asyncio.TaskGroup() as tasks:
        observing = tasks.create_task(reconciler.observe(changes))
        for _ in range(WRITERS):
            tasks.create_task(reconciler.write())
        yield reconciler, changes
        observing.cancel()
        reconciler.end()


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 -- a claim about anything has no event
            await asyncio.sleep(0.001)


async def test_what_is_decided_is_written() -> None:
    writer = FakeWriter()
    async with running(writer, lb("a"), lb("b"), lb("c")):
        await until(lambda: writer.pending)
    assert writer.ingress == {key("a"): (ip("10.0.0.0"),), key("b"): (ip("10.0.0.1"),)}
    assert writer.pending == {key("c"): "poolsExhausted"}


@pytest.mark.parametrize("failure", [WriteRefusedError("changed"), OSError("disk full"), TimeoutError()])
async def test_a_failed_write_is_repeated_and_counted(failure: Exception) -> None:
    writer = FakeWriter(failure)
    async with running(writer, lb("a")) as (reconciler, _):
        await until(lambda: writer.ingress)
        await until(lambda: reconciler.writes[SetIngress] == 1)
    assert reconciler.errors[SetIngress] == 1


async def test_a_failed_write_holds_the_address() -> None:
    writer = FakeWriter(OSError("lost"))
    async with running(writer, lb("a")) as (reconciler, changes):
        await until(lambda: reconciler.errors[SetIngress])
        changes.post(Upsert(Kind.SERVICE, key("b"), lb("b")))
        await until(lambda: key("b") in writer.ingress)
        await until(lambda: key("a") in writer.ingress)
    assert writer.ingress == {key("a"): (ip("10.0.0.0"),), key("b"): (ip("10.0.0.1"),)}


async def test_an_unknown_error_of_a_writer_ends_the_program() -> None:
    writer = FakeWriter(RuntimeError("a bug"))
    with pytest.raises(ExceptionGroup):
        async with running(writer, lb("a")):
            await asyncio.sleep(10)


async def test_writes_run_side_by_side_but_bounded_and_one_at_a_time_for_a_service() -> None:
    writer = FakeWriter()
    writer.gate.clear()
    names = [f"s{n:02}" for n in range(50)]
    async with running(writer, *(lb(name) for name in names)) as (_, changes):
        await until(lambda: writer.at_once == WRITERS)
        for name in names:
            changes.post(Upsert(Kind.SERVICE, key(name), lb(name, ips="192.0.2.1")))
        writer.gate.set()
        await until(lambda: len(writer.pending) == len(names))
    assert writer.most_at_once == WRITERS


async def test_the_end_waits_for_a_write_on_its_way_and_begins_no_other() -> None:
    writer = FakeWriter()
    writer.gate.clear()
    async with running(writer, *(lb(f"s{n:02}", ips="192.0.2.1") for n in range(50))):
        await until(lambda: writer.at_once == WRITERS)
        asyncio.get_running_loop().call_later(0.05, writer.gate.set)
    assert len(writer.pending) == WRITERS


async def test_a_service_that_is_gone_is_forgotten_and_its_address_given_to_who_waits() -> None:
    writer = FakeWriter()
    async with running(writer, lb("a"), lb("b"), lb("c")) as (_, changes):
        await until(lambda: writer.pending)
        changes.post(Gone(Kind.SERVICE, key("a")))
        await until(lambda: key("c") in writer.ingress)
    assert writer.forgotten == [key("a")]
    assert writer.ingress[key("c")] == (ip("10.0.0.0"),)


async def test_what_an_earlier_life_wrote_keeps_its_address_from_others_and_waits_before_it_is_forgotten() -> None:
    writer = FakeWriter()
    async with running(writer, lb("b"), lb("c"), leftovers=[lb("a", "10.0.0.0")]) as (_, changes):
        await until(lambda: writer.pending)
        assert writer.ingress == {key("b"): (ip("10.0.0.1"),)}
        assert writer.forgotten == []
        changes.post(Upsert(Kind.SERVICE, key("a"), lb("a", "10.0.0.0")))
        changes.post(Upsert(Kind.SERVICE, key("d"), lb("d")))
        await until(lambda: key("d") in writer.pending)
    assert writer.forgotten == []


async def test_each_transition_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    writer = FakeWriter()
    with caplog.at_level(logging.INFO, "controller"):
        async with running(writer, lb("a"), lb("b"), lb("c")) as (_, changes):
            await until(lambda: writer.pending)
            changes.post(Upsert(Kind.ADDRESS_POOL, key("x"), pool_manifest("x", "nonsense")))
            changes.post(Gone(Kind.SERVICE, key("b")))
            await until(lambda: key("c") in writer.ingress)
    messages = [record.getMessage() for record in caplog.records if record.name == "controller.reconcile"]
    assert messages == ["synced", "assigned", "assigned", "pending", "refused", "forgotten", "assigned"]


async def test_metrics_tell_pools_services_and_writes() -> None:
    writer = FakeWriter()
    async with running(writer, lb("a"), lb("b"), lb("c")) as (reconciler, _):
        registry = CollectorRegistry()
        registry.register(ControllerCollector(reconciler))
        sample = registry.get_sample_value
        await until(lambda: sample("herald_status_writes_total", {"what": "pending"}) == 1)
        assert sample("herald_synced") == 1
        assert sample("herald_pool_addresses", {"pool": "two", "family": "IPv4"}) == 2
        assert sample("herald_pool_addresses_used", {"pool": "two", "family": "IPv4"}) == 2
        assert sample("herald_services_assigned") == 2
        assert sample("herald_services_unmet", {"reason": "poolsExhausted"}) == 1
        assert sample("herald_status_writes_total", {"what": "ingress"}) == 2
        assert sample("herald_status_write_errors_total", {"what": "ingress"}) == 0
