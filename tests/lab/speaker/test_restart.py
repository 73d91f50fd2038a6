"""Restarts of speakers and their ExaBGPs: a peer with gracefulRestart sees no route move, another one for a moment only.

Peers at tor1 are without, those at tor2 with it, so that each test sees both.
"""

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from bgp_config.names import IPAddress, Prefix, host_prefix
from herald.lab.deployment import Deployment
from herald.lab.follow import RouteChange
from herald.lab.recorder import Recorder
from herald.lab.topology import MachineName
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until
from tests.lab.fabric import everywhere, fabric, vip, without
from tests.lab.speaker.test_faults import exabgps

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

PLAIN, GRACEFUL = "tor1", "tor2"
RESTART_S = 30
BACK_S = 3.0
"""Without graceful restart a node's routes are gone for at most so long."""
BOUND = ("--bind-vips",)
DATA_PATH = ("--data-path", "http://127.0.0.1:8080/", "--data-path-timeout", "60")
"""The node's own endpoint stands for it: it answers 503 when it is told to fail."""


@asynccontextmanager
async def steady(deployment: Deployment, tor: str) -> AsyncIterator[None]:
    """No kernel route of a VIP changes on this ToR meanwhile."""
    vips = {host_prefix(address) for address in everywhere(deployment)}
    async with deployment.lab.follow_routes(tor) as routes:
        yield
        assert [event for event in routes.events if event.prefix in vips] == []


Away: TypeAlias = dict[tuple[Prefix, IPAddress], float]
"""For next hops of VIPs on tor1: since when they are away, or for how long they were."""


async def outages(deployment: Deployment, changes: Recorder[RouteChange]) -> Away:
    """The longest time that each next hop of each VIP was away on tor1. What changed last may be told of a moment later."""
    await until(lambda: not _away(deployment, changes)[0], 2)
    return _away(deployment, changes)[1]


def _away(deployment: Deployment, changes: Recorder[RouteChange]) -> tuple[Away, Away]:
    """Since when those are away that did not come back yet, and the longest time of all that did."""
    gone: Away = {}
    longest: Away = {}
    for change in changes.events:
        for hop in deployment.node_addresses(PLAIN):
            what = (change.prefix, hop)
            if hop not in (change.next_hops or ()):
                gone.setdefault(what, change.at)
            elif what in gone:
                longest[what] = max(longest.get(what, 0.0), change.at - gone.pop(what))
    return gone, longest


async def ends_of_rib(deployment: Deployment, node: str) -> int:
    """How many sessions the node's speaker has had with tor2, if the present one has heard its End-of-RIB; else 0."""
    port = next(address for address, name in deployment.node_addresses(GRACEFUL).items() if name == node)
    neighbors = json.loads(await deployment.lab.routers[MachineName(GRACEFUL)].vtysh("show bgp neighbors json"))
    neighbor = neighbors.get(str(port), {})
    is_marked = neighbor.get("gracefulRestartInfo", {}).get("endOfRibRecv", {}).get("ipv4Unicast", False)
    return neighbor["connectionsEstablished"] if is_marked and neighbor["bgpState"] == "Established" else 0


@asynccontextmanager
async def sessions_renewed(
    deployment: Deployment, node: str, expected: Mapping[IPAddress, frozenset[str]] | None = None
) -> AsyncIterator[None]:
    """At its end both ToRs have had a new session with the node, and all its routes."""
    expected = everywhere(deployment) if expected is None else expected
    before = await ends_of_rib(deployment, node)
    yield
    deadline = time.monotonic() + 15
    while await ends_of_rib(deployment, node) <= before:
        assert time.monotonic() < deadline, "no End-of-RIB on a new session"
    await deployment.routed(expected, 15)


async def restart(
    deployment: Deployment, node: str, how: signal.Signals, expected: Mapping[IPAddress, frozenset[str]] | None = None
) -> None:
    """`expected`: the routes that there are then; None: all there should be."""
    async with sessions_renewed(deployment, node, expected):
        speaker = deployment.speakers[node]
        speaker.signal(how)
        await speaker.wait(10)
        deployment.start_speaker(node)


@pytest.mark.timing
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_speakers_restarted_one_by_one_fail_no_new_connection_and_move_no_route_of_a_graceful_peer(
    how: signal.Signals,
) -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=BOUND) as deployment:
        load = deployment.lab.start_load(list(everywhere(deployment)), LoadPlan(rate=100))
        await until(lambda: load.report().requests > 50, 10)
        async with steady(deployment, GRACEFUL), deployment.lab.follow_routes(PLAIN) as changes:
            for node in deployment.nodes:
                await restart(deployment, node, how)
            longest = await outages(deployment, changes)
        assert len(longest) == len(deployment.nodes) * len(everywhere(deployment))
        assert max(longest.values()) < BACK_S, longest
        report = await load.finish()
        assert report.failed == 0, report.failures
        assert set(report.by_node) == set(deployment.nodes)


@pytest.mark.timing
async def test_killed_exabgps_fail_no_new_connection_and_move_no_route_of_a_graceful_peer() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=BOUND) as deployment:
        load = deployment.lab.start_load(list(everywhere(deployment)), LoadPlan(rate=100))
        await until(lambda: load.report().requests > 50, 10)
        async with steady(deployment, GRACEFUL), deployment.lab.follow_routes(PLAIN) as changes:
            async with sessions_renewed(deployment, "node1"):
                for exabgp in exabgps(deployment, "node1"):
                    os.kill(exabgp, signal.SIGKILL)
            longest = await outages(deployment, changes)
        assert longest
        assert max(longest.values()) < BACK_S, longest
        report = await load.finish()
        assert report.failed == 0, report.failures


async def test_what_became_invalid_while_no_speaker_ran_goes_with_end_of_rib_and_the_rest_does_not_move() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}) as deployment:
        invalid, valid = vip(deployment, "web"), vip(deployment, "db")
        async with deployment.lab.follow_routes(GRACEFUL) as changes:
            deployment.speakers["node1"].kill()
            deployment.write_slice("web", unready=["node1"])
            await deployment.routed(without(everywhere(deployment), "node1", invalid), 5, [])
            deployment.start_speaker("node1")
            await deployment.routed(without(everywhere(deployment), "node1", invalid), 15)
            assert host_prefix(valid) not in {change.prefix for change in changes.events}


async def test_a_speaker_that_hangs_for_good_is_gone_after_the_dead_mans_time_and_the_restart_time() -> None:
    async with fabric(graceful={GRACEFUL: 4}) as deployment:
        expected = everywhere(deployment)
        deployment.speakers["node1"].stop()
        await deployment.routed(without(expected, "node1"), 15, [PLAIN])
        dead = time.monotonic()
        assert deployment.next_hops(GRACEFUL) == expected, "it keeps the routes for the restart time"
        await deployment.routed(without(expected, "node1"), 10, [GRACEFUL])
        assert 2 < time.monotonic() - dead < 8
        deployment.speakers["node1"].kill()


async def test_a_speaker_on_a_host_that_shuts_down_withdraws_from_a_graceful_peer_too(tmp_path: Path) -> None:
    (tmp_path / "shutdown").mkdir()
    (tmp_path / "shutdown" / "scheduled").write_text(f"USEC={int(time.time() * 1e6)}\nWARN_WALL=1\nMODE=reboot\n")
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=(*BOUND, "--systemd-state", str(tmp_path))) as deployment:
        speaker = deployment.speakers["node1"]
        speaker.terminate()
        assert await speaker.wait(5) == 0
        await deployment.routed(without(everywhere(deployment), "node1"), 3)


async def test_after_a_boot_old_routes_go_at_once_and_come_again_when_the_data_path_is_ready() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=DATA_PATH) as deployment:
        deployment.speakers["node1"].kill()
        deployment.endpoints["node1"].fail()
        await deployment.routed(without(everywhere(deployment), "node1"), 5, [PLAIN])
        assert deployment.next_hops(GRACEFUL) == everywhere(deployment)
        state = deployment.lab.directory_of("node1") / "run" / "state"
        head, _, rest = state.read_bytes().partition(b"\n")
        state.write_bytes(json.dumps({**json.loads(head), "boot": "another"}).encode() + b"\n" + rest)
        deployment.start_speaker("node1")
        await deployment.routed(without(everywhere(deployment), "node1"), RESTART_S / 3, [GRACEFUL])
        deployment.endpoints["node1"].heal()
        await deployment.routed(everywhere(deployment), 15)
        assert state.with_name("state.bad").exists()
        assert "it is that of an earlier boot" in deployment.speakers["node1"].output()


async def test_a_restarted_speaker_does_not_wait_again_for_a_data_path_that_has_its_vips() -> None:
    async with fabric(graceful={GRACEFUL: RESTART_S}, flags=DATA_PATH) as deployment:
        deployment.endpoints["node1"].fail()
        async with steady(deployment, GRACEFUL):
            await restart(deployment, "node1", signal.SIGKILL)
