"""No route moves that need not: checkouts, broken files, a lost folder, a controller that dies."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bgp_config.names import IPAddress, host_prefix
from herald.lab.deployment import Deployment, until
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab


@asynccontextmanager
async def nothing_moves(deployment: Deployment, *but: IPAddress) -> AsyncIterator[None]:
    """No ToR's kernel route of any VIP changes meanwhile, but for these."""
    watched = {host_prefix(address) for address in everywhere(deployment)} - {host_prefix(address) for address in but}
    async with deployment.lab.follow_routes("tor1") as one, deployment.lab.follow_routes("tor2") as two:
        yield
        moved = [event for routes in (one, two) for event in routes.events if event.prefix in watched]
        assert moved == []


def git(deployment: Deployment, *words: str) -> None:
    identity = ("-c", "user.name=ops", "-c", "user.email=ops@example.com")
    subprocess.run(["git", "-C", str(deployment.manifests), *identity, *words], check=True, capture_output=True)


async def test_a_checkout_of_another_branch_with_300_files_moves_only_what_differs() -> None:
    services = [f"web-{number}" for number in range(150)]
    async with fabric(services=services) as deployment:
        changed = vip(deployment, "web-7")
        git(deployment, "init", "--initial-branch=main")
        git(deployment, "add", ".")
        git(deployment, "commit", "--message=all")
        git(deployment, "checkout", "-b", "node1-out")
        deployment.write_slice("web-7", unready=["node1"])
        await deployment.routed(without(everywhere(deployment), "node1", changed), 5)
        # The branch also says the same in other words in every other file: 300 files are written anew.
        for path in deployment.manifests.glob("s*/*.yaml"):
            path.write_text(path.read_text() + "# the same\n")
        git(deployment, "commit", "--all", "--message=node1 out")
        async with nothing_moves(deployment, changed):
            for branch, expected in (
                ("main", everywhere(deployment)),
                ("node1-out", without(everywhere(deployment), "node1", changed)),
                ("main", everywhere(deployment)),
            ):
                git(deployment, "checkout", branch)
                await deployment.routed(expected, 10)
            await asyncio.sleep(3)  # a removal would count after 2 s


async def test_broken_vanished_and_unknown_files_move_nothing() -> None:
    async with fabric() as deployment:
        network = deployment.manifests / "network.yaml"
        good = network.read_text()
        async with nothing_moves(deployment):
            for broken in ("{", good[: len(good) // 2], good.replace("peerASN: 65001", "peerASN: none"), ""):
                deployment.write("network.yaml", broken)
                await asyncio.sleep(0.3)
                deployment.write("network.yaml", good)
                await asyncio.sleep(0.3)
            deployment.write("network.yaml", good.replace("198.51.100.0/24", "no address"))
            network.unlink()
            await asyncio.sleep(1)
            deployment.write("network.yaml", good)
            deployment.manifests.rename(deployment.directory / "elsewhere")
            await asyncio.sleep(3)
            (deployment.directory / "elsewhere").rename(deployment.manifests)
            await asyncio.sleep(3)
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(everywhere(deployment), "node1", vip(deployment, "web")), 5)


async def test_a_removed_service_is_withdrawn_after_2_s() -> None:
    async with fabric() as deployment:
        web = vip(deployment, "web")
        (deployment.manifests / "services" / "web.yaml").unlink()
        at = time.monotonic()
        remaining = {address: nodes for address, nodes in everywhere(deployment).items() if address != web}
        await deployment.routed(remaining, 10)
        assert time.monotonic() - at >= 2


async def test_a_killed_controller_moves_nothing_and_its_successor_keeps_every_vip() -> None:
    async with fabric() as deployment:
        before = deployment.vips()
        assert deployment.controller is not None
        async with nothing_moves(deployment):
            deployment.controller.kill()
            await deployment.controller.wait(5)
            deployment.write_service("late")
            deployment.start_controller()
            await until(lambda: len(deployment.vips()) == len(before) + 1, 10, lambda: f"{deployment.vips()}")
        assert {key: vips for key, vips in deployment.vips().items() if key in before} == before
        await deployment.routed(everywhere(deployment), 10)
