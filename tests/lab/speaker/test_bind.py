"""--bind-vips: VIPs are addresses of the node while it announces them; nobody else's address is ever touched."""

import asyncio
import time
from ipaddress import ip_interface

import pytest

from bgp_config.names import IPAddress, host_prefix
from herald.lab import waiting
from herald.lab.command import run
from herald.lab.deployment import Deployment, until
from speaker.bind import LINGER_S
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab
BIND = ("--bind-vips",)


async def addresses(deployment: Deployment, node: str) -> set[IPAddress]:
    """All addresses of the node's loopback."""
    net = f"--net=/run/netns/{deployment.lab.namespace(node)}"
    lines = await run("nsenter", net, "--", "ip", "-o", "addr", "show", "dev", "lo")
    return {ip_interface(line.split()[3]).ip for line in lines.splitlines()}


async def has(deployment: Deployment, node: str, address: IPAddress, *, bound: bool, timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while (address in await addresses(deployment, node)) is not bound:
        assert time.monotonic() < deadline, await addresses(deployment, node)
        await asyncio.sleep(0.05)


async def test_vips_are_bound_while_announced_and_off_after_the_withdrawal_and_answer_the_client() -> None:
    async with fabric(flags=BIND) as deployment:
        web = vip(deployment, "web")
        before = await addresses(deployment, "node1")
        assert web in before
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(everywhere(deployment), "node1", web), 5)
        await has(deployment, "node1", web, bound=False)
        assert await addresses(deployment, "node1") == before - {web}
        deployment.write_slice("web")
        await deployment.routed(everywhere(deployment), 5)
        assert await addresses(deployment, "node1") == before
        load = deployment.lab.start_load(list(everywhere(deployment)))
        await until(lambda: load.report().requests > 100, 10, lambda: "no requests")
        report = await load.finish()
        assert report.failures == ()
        assert set(report.by_node) == set(deployment.nodes)


async def test_a_vip_is_bound_before_its_route_and_there_until_the_route_is_gone() -> None:
    async with fabric(flags=BIND) as deployment:
        web = vip(deployment, "web")
        for unready in (["node1"], []) * 3:
            async with deployment.lab.capture_updates("node1", "tor1") as updates:
                deployment.write_slice("web", unready=unready)
                prefix = host_prefix(web)
                await updates.first(lambda u, p=prefix: p in u.update.announced or p in u.update.withdrawn, 5)  # type: ignore[misc]
                assert web in await addresses(deployment, "node1")
            await has(deployment, "node1", web, bound=not unready)


async def test_after_a_crash_what_is_no_longer_announced_comes_off_and_foreign_addresses_stay() -> None:
    async with fabric(flags=BIND) as deployment:
        web, db = vip(deployment, "web"), vip(deployment, "db")
        net = f"--net=/run/netns/{deployment.lab.namespace('node1')}"
        await run("nsenter", net, "--", "ip", "addr", "add", "198.51.100.200/32", "dev", "lo")
        before = await addresses(deployment, "node1")
        deployment.speakers["node1"].kill()
        await deployment.routed(without(everywhere(deployment), "node1"), 5)
        assert await addresses(deployment, "node1") == before
        deployment.write_slice("web", unready=["node1"])
        deployment.start_speaker("node1")
        await deployment.routed(without(everywhere(deployment), "node1", web), 15)
        await has(deployment, "node1", web, bound=False)
        assert await addresses(deployment, "node1") == before - {web}
        assert db in before


async def test_an_address_of_an_operator_stays_and_one_that_somebody_takes_off_is_bound_again() -> None:
    async with fabric(flags=BIND) as deployment:
        all_nodes, web, db = everywhere(deployment), vip(deployment, "web"), vip(deployment, "db")
        net = f"--net=/run/netns/{deployment.lab.namespace('node1')}"
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(all_nodes, "node1", web), 5)
        await has(deployment, "node1", web, bound=False)
        await run("nsenter", net, "--", "ip", "addr", "add", f"{web}/32", "dev", "lo")
        deployment.write_slice("web")
        await deployment.routed(all_nodes, 5)
        await run("nsenter", net, "--", "ip", "addr", "del", f"{db}/32", "dev", "lo")
        await has(deployment, "node1", db, bound=True)
        for name in ("web", "db"):
            deployment.write_slice(name, unready=["node1"])
        await deployment.routed(without(all_nodes, "node1", web, db), 5)
        await asyncio.sleep(LINGER_S + 1)
        assert web in await addresses(deployment, "node1")
        speaker = deployment.speakers["node1"]
        speaker.terminate()
        assert await speaker.wait(6) == 0, speaker.output()
        assert web in await addresses(deployment, "node1")


async def test_at_the_end_all_vips_come_off() -> None:
    async with fabric(flags=BIND) as deployment:
        vips = set(everywhere(deployment))
        before = await addresses(deployment, "node1")
        speaker = deployment.speakers["node1"]
        speaker.terminate()
        assert await speaker.wait(6) == 0
        assert await addresses(deployment, "node1") == before - vips


async def test_a_device_that_is_deleted_costs_its_vips_a_moment_and_they_are_watched_where_they_are_then() -> None:
    """A bridge, which every kernel has. Then they are on a dummy device of its name, or on `lo` where there is no dummy."""
    async with fabric(flags=BIND) as deployment:
        web, speaker = vip(deployment, "web"), deployment.speakers["node1"]
        net = f"--net=/run/netns/{deployment.lab.namespace('node1')}"

        async def device() -> str:
            lines = await run("nsenter", net, "--", "ip", "-o", "addr", "show", "to", str(web))
            return lines.split()[1] if lines else ""

        speaker.terminate()
        await speaker.wait(6)
        await run("nsenter", net, "--", "ip", "link", "add", "vips", "up", "type", "bridge")
        deployment.speaker_flags = ("--bind-vips", "vips")
        deployment.start_speaker("node1")
        await deployment.routed(everywhere(deployment), 15)
        assert await device() == "vips"
        await run("nsenter", net, "--", "ip", "link", "del", "vips")
        found = await waiting.until(device, 5)
        await run("nsenter", net, "--", "ip", "addr", "del", f"{web}/32", "dev", found)
        await waiting.until(device, 5)
        assert "somebody took off VIPs" in deployment.speakers["node1"].output()
