"""Active health checks on real routers: a sick node is the last resort or withdrawn, and comes back; no objects change."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bgp_config.communities import StandardCommunity
from bgp_config.names import IPAddress, host_prefix
from herald.kube.objects import Kind, ObjectKey
from herald.lab import manifests
from herald.lab.deployment import Deployment
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.topology import MachineName, Settings, rack
from herald.lab.waiting import until
from herald.status import local
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab

INTERVAL_S, TIMEOUT_S, FALL = 0.5, 0.2, 2
SEEN_S = INTERVAL_S * FALL + TIMEOUT_S
SLACK_S = 1.5
"""For the speaker, ExaBGP and FRR on a busy machine; 0.1 s on a quiet one."""
GRACEFUL_SHUTDOWN = StandardCommunity(65535, 0)


def write_check(deployment: Deployment, **more: object) -> None:
    spec: dict[str, object] = {
        "protocol": "HTTP",
        "intervalMilliseconds": int(INTERVAL_S * 1000),
        "timeoutMilliseconds": int(TIMEOUT_S * 1000),
        "fall": FALL,
        **more,
    }
    deployment.write("health.yaml", manifests.dump([manifests.manifest(Kind.HEALTH_CHECK, "web", spec)]))


def write_slice(deployment: Deployment, name: str) -> None:
    """With endpoints where the lab's really are: at each node's own address."""
    made: dict[str, Any] = manifests.endpoint_slice(name, deployment.nodes)
    for node, endpoint in zip(deployment.lab.topology.nodes, made["endpoints"], strict=True):
        endpoint["addresses"] = [str(node.addresses[0].ip)]
    made["ports"] = [{"name": "http", "port": DEFAULT_PORT, "protocol": "TCP"}]
    deployment.write(f"slices/{name}.yaml", manifests.dump([made]))


@asynccontextmanager
async def checked(**check: object) -> AsyncIterator[Deployment]:
    """Two nodes whose endpoints of one Service are checked, and found well."""
    async with fabric(rack(Settings(nodes=2)), services=("web",), flags=("--bind-vips",)) as deployment:
        await deployment.lab.fabric_up()
        write_slice(deployment, "web")
        write_check(deployment, **check)
        await until_found(deployment, "well", deployment.nodes)
        yield deployment


async def found(deployment: Deployment, node: str) -> list[str]:
    """What the node's speaker has found of its endpoints of the Service web."""
    answer = await local.ask(deployment.lab.directory_of(node) / "run", ObjectKey("default", "web"))
    return [each.state for fact in answer.services for each in fact.health]


async def until_found(deployment: Deployment, state: str, nodes: Iterable[str]) -> None:
    async def so() -> bool:
        return all([await found(deployment, node) == [state] for node in nodes])

    await until(so, 10)


async def prepends(deployment: Deployment, address: IPAddress) -> dict[tuple[str, str], int]:
    """By ToR and node, how often the node's ASN is in the path that the ToR has from it."""
    paths = {tor: await deployment.lab.routers[MachineName(tor)].paths(host_prefix(address)) for tor in deployment.tors}
    nodes = {tor: deployment.node_addresses(tor) for tor in deployment.tors}
    return {
        (tor, nodes[tor][path.peer]): len(path.as_path)
        for tor, each in paths.items()
        for path in each
        if path.peer in nodes[tor] and (len(path.as_path) == 1 or GRACEFUL_SHUTDOWN in path.communities)
    }


async def test_a_hung_process_loses_its_node_the_traffic_and_has_it_back_when_it_answers_again() -> None:
    async with checked() as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        load = deployment.lab.start_load([web])
        await until(lambda: set(load.report().by_node) == set(deployment.nodes), 10)
        at = time.monotonic()
        deployment.endpoints["node1"].process.stop()
        await deployment.routed(without(expected, "node1"), SEEN_S + SLACK_S)
        seen_at = time.monotonic()
        assert seen_at - at >= INTERVAL_S * (FALL - 1) * 0.9, "no probe can have said so yet"
        assert {hops: count for hops, count in (await prepends(deployment, web)).items() if hops[1] == "node1"} == {
            ("tor1", "node1"): 13,
            ("tor2", "node1"): 13,
        }
        await until(lambda: load.report().between(seen_at, time.monotonic() - 1).requests > 50, 10)
        deployment.endpoints["node1"].process.cont()
        await deployment.routed(expected, INTERVAL_S * 2 + SLACK_S)
        back_at = time.monotonic()
        await until(lambda: load.report().between(back_at, time.monotonic()).requests > 50, 10)
        report = await load.finish()
        assert report.between(at, seen_at).failures != ()
        assert report.between(seen_at, time.monotonic()).failed == 0


async def test_when_all_nodes_are_sick_all_are_the_last_resort_and_traffic_still_flows() -> None:
    async with checked(path="/healthz") as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        write_check(deployment, port=1)  # an edit that nobody can pass
        await until_found(deployment, "sick", deployment.nodes)

        async def all_are() -> bool:
            return set((await prepends(deployment, web)).values()) == {13}

        await until(all_are, 5)
        await deployment.routed(expected, 5)
        load = deployment.lab.start_load([web])
        await until(lambda: load.report().requests > 50, 10)
        report = await load.finish()
        assert report.failures == ()
        assert set(report.by_node) == set(deployment.nodes)
        write_check(deployment)
        await until_found(deployment, "well", deployment.nodes)


async def test_withdraw_withdraws_and_an_edit_or_a_removal_of_the_check_counts_at_once() -> None:
    async with checked(onFailure="Withdraw") as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        deployment.endpoints["node1"].refuse()
        await deployment.routed(without(expected, "node1"), SEEN_S + SLACK_S)
        assert all(node != "node1" for _, node in await prepends(deployment, web))
        deployment.endpoints["node2"].fail()
        await deployment.routed({}, SEEN_S + SLACK_S)
        write_check(deployment, onFailure="Deprefer")
        await deployment.routed(expected, SLACK_S)
        write_check(deployment, onFailure="Withdraw")
        await deployment.routed({}, SLACK_S)
        deployment.remove("health.yaml")
        await deployment.routed(expected, 2 + SLACK_S)
