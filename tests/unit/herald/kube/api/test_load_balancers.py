"""Slices wait for Services, and are fetched when a Service becomes a load balancer; a fetch that fails is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from herald.kube.api.errors import ApiError
from herald.kube.api.load_balancers import LoadBalancers
from herald.kube.api.pace import Pace
from herald.kube.api.problems import Problems
from herald.kube.objects import SERVICE_NAME_LABEL, Kind
from herald.kube.source import Changes, Stale
from tests.contract.reader import Reader
from tests.unit.herald.kube.api.server import Answer, Said, Server, event, page, running

SERVICES = "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
SLICES_OF_DEFAULT = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"

SERVICE = {"metadata": {"name": "web", "namespace": "default", "resourceVersion": "5"}, "spec": {"type": "LoadBalancer"}}
SLICE = {
    "metadata": {"name": "web-1", "namespace": "default", "resourceVersion": "2", "labels": {SERVICE_NAME_LABEL: "web"}},
    "addressType": "IPv4",
    "endpoints": [],
}


@asynccontextmanager
async def reading(server: Server) -> AsyncIterator[Reader]:
    changes = Changes()

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            LoadBalancers(server, changes, Problems(), Pace(retry_first_s=0.01, retry_last_s=0.1)).start(tasks)

    async with running(asyncio.create_task(run())):
        yield Reader(changes)


def answering(answers: dict[str, Any], *watches: Sequence[Said]) -> Server:
    """An answer, or several in turn of which the last stays."""

    def answer(path: str) -> Answer:
        found = answers[path]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        assert isinstance(found, bytes | Exception)
        return found

    return Server(answer, watches)


async def test_slices_are_not_listed_before_it_is_known_whose_are_wanted() -> None:
    server = answering({SERVICES: ApiError(500, "InternalError", "etcd is away"), SLICES: page(SLICE)})
    async with reading(server) as reader:
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        assert server.calls[f"list {SLICES}"] == 0


async def test_the_slices_of_known_services_come_with_the_list() -> None:
    server = answering({SERVICES: page(SERVICE), SLICES: page(SLICE)})
    async with reading(server) as reader:
        await reader.until(lambda r: r.synced == {Kind.SERVICE, Kind.ENDPOINT_SLICE})
        assert reader.has(Kind.ENDPOINT_SLICE, "web-1")
        assert server.calls[f"list {SLICES_OF_DEFAULT}"] == 0


async def test_a_fetch_that_fails_is_told_and_tried_again() -> None:
    synced = asyncio.Event()
    failing = ApiError(500, "InternalError", "etcd is away")
    answers = {SERVICES: page(), SLICES: page(SLICE), SLICES_OF_DEFAULT: [failing, failing, page(SLICE)]}
    server = answering(answers, [synced, event("ADDED", SERVICE), asyncio.Event()])  # Services are watched first
    async with reading(server) as reader:
        await reader.until(lambda r: r.synced == {Kind.SERVICE, Kind.ENDPOINT_SLICE})
        assert not reader.objects
        synced.set()
        await reader.until(lambda r: r.has(Kind.ENDPOINT_SLICE, "web-1") and not r.stale)
        whys = [word.why for word in reader.words if isinstance(word, Stale)]
        assert whys == ["the EndpointSlices of default/web cannot be read: 500 InternalError: etcd is away"]
