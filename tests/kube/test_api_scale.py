"""A large cluster costs what it must and no more: 5,000 Services with 20,000 EndpointSlices on a real API server."""

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from herald.kube.api import RESOURCES, ApiClient, KubeconfigFile
from herald.kube.objects import Kind
from herald.lab.kube.api_server import ApiServer
from herald.lab.manifests import Manifest
from tests.kube.living import endpoint_slice, service

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(300)]

SERVICES, SLICES_EACH = 5_000, 4
SLICES = SERVICES * SLICES_EACH
OTHERS_MB = 10.0
"""What the slices of Services that are no load balancers may cost."""
WRITERS = 16


def slices() -> Iterable[Manifest]:
    for number in range(SERVICES):
        for part in range(SLICES_EACH):
            addresses = (f"10.{number // 256}.{number % 256}.{part * 4 + address}" for address in range(4))
            yield endpoint_slice(f"service-{number}-{part}", f"service-{number}", *addresses)


async def create(client: ApiClient, kind: Kind, manifests: Iterable[Manifest]) -> None:
    waiting = iter(manifests)
    path = RESOURCES[kind].collection("default")

    async def write() -> None:
        for manifest in waiting:
            await client.send("POST", path, manifest)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(WRITERS):
            tasks.create_task(write())


async def measured(kubeconfig: Path, what: str) -> dict[str, float]:
    argv = [sys.executable, "-m", "tests.kube.scale_reader", str(kubeconfig)]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, float] = json.loads(output)
    print(f"{what}: {found}")  # noqa: T201 -- figures to be read
    return found


async def test_slices_of_others_cost_next_to_nothing_and_those_of_load_balancers_what_they_hold(
    new_api_server: ApiServer, tmp_path: Path
) -> None:
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        await create(client, Kind.ENDPOINT_SLICE, slices())
        others = await measured(kubeconfig, f"{SLICES} slices of other Services")
        assert (others["services"], others["slices"]) == (0, 0)
        assert others["grown_mb"] < OTHERS_MB
        await create(client, Kind.SERVICE, (service(f"service-{number}") for number in range(SERVICES)))
        own = await measured(kubeconfig, f"{SERVICES} load balancers with {SLICES} slices")
        assert (own["services"], own["slices"]) == (SERVICES, SLICES)
        assert own["seconds"] < 30
