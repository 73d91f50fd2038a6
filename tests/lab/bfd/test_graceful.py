"""With graceful restart (RFC 4724) routers keep the routes of a peer whose connection ends: BFD tells when that is wrong."""

import time
from functools import partial

import pytest

from herald.lab.command import run
from herald.lab.deployment import Deployment
from herald.lab.namespace import NAMESPACES
from herald.lab.waiting import until
from tests.lab.bfd.running import DETECTION_S, bfd_fabric
from tests.lab.fabric import everywhere, without

pytestmark = pytest.mark.lab

CLOSED_S = DETECTION_S + 2.0
"""On a busy machine; the restart time is far longer."""
BACK_S = 20.0
LONG_S, SHORT_S = 60, 4


async def test_bfd_down_first_no_route_of_a_silent_node_is_kept() -> None:
    async with bfd_fabric(graceful={"tor1": LONG_S, "tor2": LONG_S}) as deployment:
        expected = everywhere(deployment)
        await until(partial(_graceful, deployment), BACK_S)
        await deployment.lab.silence("node1")
        await deployment.routed(without(expected, "node1"), CLOSED_S)
        await deployment.lab.unsilence("node1")
        await deployment.routed(expected, BACK_S)


async def test_where_only_bfd_is_lost_the_speaker_ends_its_sessions_behind_the_routers_and_leaves_no_route() -> None:
    """Its end of the connection, had it come first, would have been taken for a restart."""
    async with bfd_fabric(graceful={"tor1": LONG_S, "tor2": LONG_S}) as deployment:
        expected = everywhere(deployment)
        await until(partial(_graceful, deployment), BACK_S)
        await _deafen(deployment, "node1")
        await deployment.routed(without(expected, "node1"), CLOSED_S)
        begun = time.monotonic()
        await until(partial(_connected, deployment), BACK_S)
        await until(lambda: time.monotonic() - begun > 10 * DETECTION_S, BACK_S)
        await deployment.routed(without(expected, "node1"), 0.5)
        await _hear_again(deployment, "node1")
        await deployment.routed(expected, BACK_S)


async def test_the_end_of_the_connection_first_routes_of_a_node_that_crashed_are_kept_for_the_restart_time_at_most() -> None:
    """All its processes are killed at once, and its kernel says so: FRR 8.4 asks BFD no more once it waits for a restart."""
    async with bfd_fabric(graceful={"tor1": SHORT_S, "tor2": SHORT_S}) as deployment:
        expected = everywhere(deployment)
        await until(partial(_graceful, deployment), BACK_S)
        deployment.lab.kill_node("node1")
        await deployment.routed(without(expected, "node1"), SHORT_S + 2)


async def test_a_router_that_makes_neighbors_as_they_come_finds_bfd_again_though_the_speaker_stands_still() -> None:
    """FRR deletes such a neighbor when BFD goes down, and its BFD session 60 ms later, though a new neighbor may have it."""
    async with bfd_fabric(graceful={"tor2": LONG_S}) as deployment:
        expected = everywhere(deployment)
        deployment.speakers["node1"].stop()
        await _deafen(deployment, "node1")
        await deployment.routed(without(expected, "node1"), CLOSED_S, ["tor2"])
        begun = time.monotonic()
        await until(lambda: time.monotonic() - begun > 3 * DETECTION_S, BACK_S)
        await deployment.routed(without(expected, "node1"), 0.5, ["tor2"])
        await _hear_again(deployment, "node1")
        deployment.speakers["node1"].cont()
        await deployment.routed(expected, BACK_S)


async def _graceful(deployment: Deployment) -> bool:
    """Every ToR would keep node1's routes."""
    for tor in deployment.tors:
        address = deployment.lab.topology.cable("node1", tor).lower.address(4)
        neighbor = await deployment.lab.routers[tor].vtysh(f"show bgp ipv4 neighbors {address}")
        if "Remote GR Mode: Restart" not in neighbor:
            return False
    return True


async def _connected(deployment: Deployment) -> bool:
    """Node1's sessions are Established again, without a route."""
    prefixes = []
    for tor in deployment.tors:
        address = deployment.lab.topology.cable("node1", tor).lower.address(4)
        session = (await deployment.lab.routers[tor].sessions()).get(address)
        prefixes.append(session.prefixes if session and session.established else -1)
    return prefixes == [0, 0]


async def _deafen(deployment: Deployment, node: str) -> None:
    """BFD between the node and its ToRs is lost in both directions; all else passes."""
    for machine, others in ((node, deployment.tors), *((tor, [node]) for tor in deployment.tors)):
        ports = ", ".join(f'"{other}"' for other in others)
        rule = f"type filter hook prerouting priority -300; iifname {{ {ports} }} udp dport 3784 drop;"
        await _nft(deployment, machine, f"add table inet deaf {{ chain ears {{ {rule} }}; }}")


async def _hear_again(deployment: Deployment, node: str) -> None:
    for machine in (node, *deployment.tors):
        await _nft(deployment, machine, "delete table inet deaf")


async def _nft(deployment: Deployment, machine: str, rules: str) -> None:
    net = f"--net={NAMESPACES / deployment.lab.namespace(machine)}"
    await run("nsenter", net, "--", "nft", "-f", "-", stdin=f"{rules}\n")
