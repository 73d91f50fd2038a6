"""What the routers see when something of Herald, of a router or of a link dies, stalls or comes back."""

import asyncio
import os
import signal
import time
from itertools import product
from pathlib import Path

import pytest

from bgp_config.names import host_prefix
from herald.lab.command import run
from herald.lab.deployment import Deployment, until
from herald.lab.namespace import processes_in
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab


def exabgps(deployment: Deployment, node: str) -> dict[int, str]:
    """The ExaBGP processes of a node and the command line of each."""
    found = {}
    for pid in processes_in([deployment.lab.namespace(node)]):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        if "launch.py" in command:
            found[pid] = command
    return found


async def sessions_dropped(deployment: Deployment) -> dict[str, int]:
    """How many sessions each ToR has lost so far."""
    routers = deployment.lab.routers
    tors = [routers[tor.name] for tor in deployment.lab.topology.tors]
    return {tor.name: sum(s.times_dropped for s in (await tor.sessions()).values()) for tor in tors}


async def test_a_killed_exabgp_costs_its_own_session_only_and_the_routes_are_back_within_5_s() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        victim = min(exabgps(deployment, "node1"))
        before = await sessions_dropped(deployment)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in exabgps(deployment, "node1"), 5, lambda: "it is still there")
        await until(
            lambda: len(exabgps(deployment, "node1")) == 2, 5, lambda: f"no new ExaBGP: {exabgps(deployment, 'node1')}"
        )
        await deployment.routed(expected, 5)
        after = await sessions_dropped(deployment)
        assert sum(after.values()) - sum(before.values()) == 1


async def test_a_killed_speaker_is_out_of_the_tors_at_once_and_its_successor_brings_the_routes_back() -> None:
    async with fabric(flags=("--bind-vips",)) as deployment:
        expected = everywhere(deployment)
        deployment.speakers["node1"].kill()
        killed = time.monotonic()
        await deployment.routed(without(expected, "node1"), 5, deployment.tors[:1])
        assert time.monotonic() - killed < 3, "the dead-man switch should have acted on the end of the socket"
        await until(lambda: not exabgps(deployment, "node1"), 5, lambda: "an ExaBGP outlives its speaker")
        deployment.start_speaker("node1")
        await deployment.routed(expected, 15)


async def test_a_stopped_speaker_is_out_of_the_tors_within_15_s() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        deployment.speakers["node1"].stop()
        await deployment.routed(without(expected, "node1"), 15)
        deployment.speakers["node1"].cont()
        await deployment.routed(expected, 15)


async def test_a_restarted_tor_has_all_routes_again() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        tor = deployment.lab.routers[deployment.lab.topology.tors[0].name]
        await tor.restart()
        await deployment.routed(expected, 10)


async def test_what_changed_while_a_tor_was_away_is_right_when_it_is_back() -> None:
    async with fabric() as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        tor = deployment.lab.routers[deployment.lab.topology.tors[0].name]
        await tor.stop()
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(expected, "node1", web), 5, deployment.tors[1:])
        deployment.write_slice("db", unready=["node2"])
        deployment.write_slice("web")
        await deployment.routed(without(expected, "node2", vip(deployment, "db")), 5, deployment.tors[1:])
        await tor.start()
        await deployment.routed(without(expected, "node2", vip(deployment, "db")), 10)


async def test_a_node_that_nobody_heard_for_a_while_is_back_within_5_s_of_being_heard() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        await deployment.lab.silence("node1")
        await deployment.routed(without(expected, "node1"), 20)
        await asyncio.sleep(25)  # a silence long enough for every back-off to have grown
        await deployment.lab.unsilence("node1")
        await deployment.routed(expected, 5)


@pytest.mark.timing
async def test_a_cut_link_is_out_of_that_tor_within_a_second_and_the_other_tor_keeps_all() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        cut_tor, other = deployment.tors
        async with deployment.lab.follow_routes(other) as routes:
            at = time.monotonic()
            await deployment.lab.cut("node1", cut_tor)
            await deployment.routed(without(expected, "node1"), 5, [cut_tor])
            assert time.monotonic() - at < 1
            assert [e for e in routes.events if e.prefix in {host_prefix(v) for v in expected}] == []
        await deployment.lab.restore("node1", cut_tor)
        await deployment.routed(expected, 15)


@pytest.mark.timing
async def test_a_tor_that_stalls_delays_no_other() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        stalled = deployment.lab.routers[deployment.lab.topology.tors[0].name]
        other = deployment.tors[1]
        stalled.freeze()
        try:
            took = []
            for name, node in product(("web", "db"), deployment.nodes):  # each once: what comes and goes has to wait
                prefix = host_prefix(vip(deployment, name))
                for unready in ([node], []):
                    async with deployment.lab.follow_routes(other) as routes:
                        at = deployment.write_slice(name, unready=unready)
                        change = await routes.first(lambda e, p=prefix: e.prefix == p, 5)  # type: ignore[misc]
                        took.append(change.at - at)
            assert sorted(took)[len(took) // 2] < 0.3, took
        finally:
            stalled.thaw()
        await deployment.routed(expected, 15)


@pytest.mark.timing
async def test_nine_of_ten_changes_of_an_endpoint_are_in_both_kernels_within_200_ms() -> None:
    names = ("web", "db", "mail", "dns")
    async with fabric(services=names) as deployment:
        took = []
        for name, node in product(names, deployment.nodes):  # each once: what comes and goes has to wait
            prefix = host_prefix(vip(deployment, name))
            for unready in ([node], []):
                async with deployment.lab.follow_routes("tor1") as one, deployment.lab.follow_routes("tor2") as two:
                    at = deployment.write_slice(name, unready=unready)
                    changes = [await routes.first(lambda e, p=prefix: e.prefix == p, 5) for routes in (one, two)]  # type: ignore[misc]
                    took.append(max(change.at for change in changes) - at)
        assert sorted(took)[len(took) * 9 // 10 - 1] < 0.2, took


async def test_a_port_that_is_down_at_the_start_has_its_session_soon_after_it_is_up() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        net = f"--net=/run/netns/{deployment.lab.namespace('node1')}"
        speaker = deployment.speakers["node1"]
        speaker.terminate()
        await speaker.wait(6)
        await run("nsenter", net, "--", "ip", "link", "set", "tor1", "down")
        deployment.start_speaker("node1")
        await deployment.routed(expected, 15, ["tor2"])
        await until(lambda: "notOnLink" in deployment.speakers["node1"].output(), 5, deployment.speakers["node1"].output)
        await run("nsenter", net, "--", "ip", "link", "set", "tor1", "up")
        await deployment.routed(expected, 5)
