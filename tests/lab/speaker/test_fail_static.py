"""What speakers decide by is away while they are restarted: no route changes, and they say since when they have not heard.

A speaker that starts waits for its first lists for --sync-timeout, here 3 s.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from herald.lab.deployment import Deployment
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.waiting import until
from speaker.status_socket import LocalHead
from tests.lab.fabric import everywhere, fabric, vip, without
from tests.lab.speaker.test_bind import addresses
from tests.lab.speaker.test_restart import GRACEFUL, PLAIN, RESTART_S, restart, steady

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

STARTED = '"message":"started"'
SYNC_TIMEOUT = ("--sync-timeout", "3")
OUTAGE = timedelta(minutes=1)


def stale_since(deployment: Deployment, node: str) -> datetime | None:
    """As its speaker says on the node itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as speaker:
        speaker.settimeout(5)
        speaker.connect(str(deployment.lab.directory_of(node) / "run" / "status.sock"))
        speaker.sendall(b"\n")
        head = msgspec.json.decode(speaker.makefile("rb").readline(), type=LocalHead)
    return head.bgp_node.stale_since if head.bgp_node else None


@asynccontextmanager
async def stays_bound(deployment: Deployment, node: str) -> AsyncIterator[None]:
    """Routers still send traffic for all VIPs to the node, so none is taken off it meanwhile."""
    vips, missed = everywhere(deployment).keys(), 0

    async def watch() -> None:
        nonlocal missed
        while True:
            missed += not vips <= await addresses(deployment, node)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    yield
    watching.cancel()
    assert not missed


async def test_no_route_changes_while_the_api_server_is_away_and_speakers_and_controller_are_restarted() -> None:
    graceful = {PLAIN: 60, GRACEFUL: 60}
    async with fabric(kube=True, graceful=graceful, flags=SYNC_TIMEOUT) as deployment, AsyncExitStack() as steadily:
        assert isinstance(deployment, KubeDeployment)
        api, expected, assigned = deployment.cluster.api, everywhere(deployment), deployment.vips()
        for tor in deployment.tors:
            await steadily.enter_async_context(steady(deployment, tor))
        gone_at = datetime.now(UTC)
        await api.stop()
        assert deployment.controller is not None
        deployment.controller.kill()
        deployment.start_controller()
        for node, how in zip(deployment.nodes, (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL), strict=True):
            await restart(deployment, node, how, expected)
        for node in deployment.nodes:
            since = stale_since(deployment, node)
            assert since is not None
            assert gone_at - timedelta(seconds=1) <= since <= datetime.now(UTC)
        await asyncio.sleep((gone_at + OUTAGE - datetime.now(UTC)).total_seconds())  # while `steady` watches
        await api.start()
        await until(lambda: all(stale_since(deployment, node) is None for node in deployment.nodes), 40)
        assert deployment.vips() == assigned
        await steadily.aclose()
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(expected, "node1", vip(deployment, "web")), 10)


async def test_a_folder_that_is_away_at_the_start_changes_nothing_and_counts_when_it_is_back() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=(*SYNC_TIMEOUT, "--bind-vips")) as deployment:
        expected, elsewhere = everywhere(deployment), deployment.directory / "elsewhere"
        async with steady(deployment, GRACEFUL), stays_bound(deployment, "node1"):
            deployment.manifests.rename(elsewhere)
            for how in (signal.SIGKILL, signal.SIGTERM):  # the second time it has not decided anything yet
                deployment.speakers["node1"].signal(how)
                await deployment.speakers["node1"].wait(10)
                starts = deployment.speakers["node1"].output().count(STARTED)
                deployment.start_speaker("node1")
                await until(lambda n=starts: deployment.speakers["node1"].output().count(STARTED) > n, 10)  # type: ignore[misc]
            await restart(deployment, "node1", signal.SIGKILL)
            assert stale_since(deployment, "node1") is not None
        (elsewhere / "services" / "db.yaml").unlink()
        db = vip(deployment, "db")
        elsewhere.rename(deployment.manifests)
        remaining = {address: nodes for address, nodes in expected.items() if address != db}
        await deployment.routed(remaining, 10)
        await until(lambda: stale_since(deployment, "node1") is None, 10)


async def test_an_object_that_was_broken_while_no_speaker_ran_keeps_its_last_good_form() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}) as deployment:
        network = deployment.manifests / "network.yaml"
        async with steady(deployment, GRACEFUL):
            deployment.speakers["node1"].kill()
            deployment.write("network.yaml", network.read_text().replace("peerASN: 65002", "peerASN: none"))
            await restart(deployment, "node1", signal.SIGKILL)
