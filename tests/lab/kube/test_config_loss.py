"""Configuration that is deleted by mistake: nothing moves while it is away for a short time, or its kinds are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from bgp_config.crd.text import files
from bgp_config.names import host_prefix
from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.kube.kubectl import kubectl
from herald.lab.manifests import Manifest
from tests.lab.kube.speakers import everywhere, speakers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WEB, DB = "198.51.100.1", "198.51.100.2"
HOLD_S = 10.0
CONFIG = {Kind.ADDRESS_POOL, Kind.BGP_PEER, Kind.BGP_ADVERTISEMENT}


@asynccontextmanager
async def nothing_moves(deployment: KubeDeployment) -> AsyncIterator[None]:
    """No ToR's kernel route of a VIP changes meanwhile."""
    vips = {host_prefix(ip_address(vip)) for vip in (WEB, DB)}
    async with deployment.lab.follow_routes("tor1") as one, deployment.lab.follow_routes("tor2") as two:
        yield
        assert [event for routes in (one, two) for event in routes.events if event.prefix in vips] == []


def config_of(deployment: KubeDeployment) -> list[Manifest]:
    return [each for each in manifests.network(deployment.lab.topology) if each["kind"] in CONFIG]


async def test_pools_peers_and_advertisements_that_are_deleted_and_made_again_within_10_s_move_nothing() -> None:
    async with speakers({"web": WEB, "db": DB}) as deployment:
        config, client = config_of(deployment), deployment.cluster.api.client
        async with nothing_moves(deployment):
            for pause_s in (0.0, 1.0, HOLD_S - 3):
                for manifest in config:
                    client.delete(manifest)
                await asyncio.sleep(pause_s)
                client.apply(config)
                await asyncio.sleep(1)
            await asyncio.sleep(HOLD_S)  # none of the earlier deletions counts late


async def test_a_peer_that_stays_deleted_ends_its_session_after_10_s() -> None:
    async with speakers({"web": WEB}) as deployment:
        expected = everywhere(deployment, WEB)
        peer = next(each for each in config_of(deployment) if each["metadata"]["name"] == "node1-tor1")
        async with nothing_moves(deployment):
            deployment.cluster.api.client.delete(peer)
            await asyncio.sleep(HOLD_S - 1)
        await deployment.routed({vip: nodes - {"node1"} for vip, nodes in expected.items()}, 5, ["tor1"])
        await deployment.routed(expected, 5, ["tor2"])


async def test_definitions_that_are_deleted_move_nothing_and_endpoints_still_count() -> None:
    async with speakers({"web": WEB, "db": DB}) as deployment:
        expected, cluster = everywhere(deployment, WEB, DB), deployment.cluster
        async with nothing_moves(deployment):
            await kubectl(cluster.api.admin, "delete", "-f", "-", stdin="---\n".join(files().values()))
            await asyncio.sleep(HOLD_S + 3)
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed({**expected, ip_address(WEB): frozenset({"node2"})}, 5)
        deployment.write_slice("web")
        await deployment.routed(expected, 10)
        async with nothing_moves(deployment):
            await cluster.install()
            cluster.api.client.apply(config_of(deployment))
            await asyncio.sleep(HOLD_S + 3)
