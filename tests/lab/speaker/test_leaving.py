"""A node that is excluded under load: its routes are least preferred for half a minute, then gone; no connection fails."""

import time

import pytest

from bgp_config.names import host_prefix
from herald.kube.objects import EXCLUDE_LABEL, Kind
from herald.lab import manifests
from herald.lab.deployment import Deployment
from herald.lab.load_report import Outcome
from herald.lab.topology import Settings, rack
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until
from speaker.leaving import GRACE_S
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

NODE = "node2"
MOVED_S = 3.0


def write_label(deployment: Deployment, *, excluded: bool) -> float:
    network = manifests.network(deployment.lab.topology)
    (node,) = (each for each in network if each["kind"] == Kind.NODE and each["metadata"]["name"] == NODE)
    if excluded:
        node["metadata"]["labels"][EXCLUDE_LABEL] = ""
    return deployment.write("network.yaml", manifests.dump(network))


async def test_an_excluded_node_leaves_gently_and_a_speaker_that_starts_there_announces_nothing() -> None:
    async with fabric(rack(Settings(nodes=2)), services=("web",), flags=("--bind-vips",)) as deployment:
        await deployment.lab.fabric_up()
        all_nodes, web = everywhere(deployment), vip(deployment, "web")
        tor = deployment.lab.routers[deployment.lab.topology.tors[0].name]

        async def lengths() -> list[int]:
            return sorted(len(path.as_path) for path in await tor.paths(host_prefix(web)))

        async def is_alone() -> bool:
            return await lengths() == [1]

        load = deployment.lab.start_load([web], LoadPlan(rate=100))
        await until(lambda: load.report().requests, 10)
        excluded_at = write_label(deployment, excluded=True)
        await deployment.routed(without(all_nodes, NODE), MOVED_S)
        assert await lengths() == [1, 7], "still there, least preferred"
        await until(is_alone, GRACE_S + MOVED_S)
        assert time.monotonic() - excluded_at >= GRACE_S
        assert [each for each in (await load.finish()).failures if each.outcome is Outcome.FAILED] == []
        await deployment.speakers[NODE].end(10)
        deployment.start_speaker(NODE)
        peer = next(a for a, node in deployment.node_addresses(tor.name).items() if node == NODE)

        async def has_said_all() -> bool:
            session = (await tor.sessions()).get(peer)
            return session is not None and session.established and session.state_s > 1

        await until(has_said_all, 20)
        assert await lengths() == [1]
        write_label(deployment, excluded=False)
        await deployment.routed(all_nodes, MOVED_S)
