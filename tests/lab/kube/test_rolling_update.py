"""A rolling update of a Local Service under load: three nodes, one pod each, each gone for five seconds before it ends.

The node of a pod that ends is least preferred while the pod still answers, so it has no traffic to lose when that stops.
"""

import asyncio
import socket
import time
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import pytest

from herald.lab import manifests
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.load_report import Outcome
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until
from tests.lab.kube.speakers import everywhere, speakers

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(180)]

VIP = "198.51.100.1"
PRE_STOP_S = 5.0
MOVED_S = 1.5
"""From the word that a pod is ending until no ToR sends anything to its node: 0.1 s on a quiet machine."""
RATE = 200
NEW_PORT = DEFAULT_PORT + 1
ENDING = {"ready": False, "serving": True, "terminating": True}
READY = {"ready": True, "serving": True, "terminating": False}


@dataclass(slots=True, kw_only=True)
class Pods:
    """Of one revision of the workload, as the EndpointSlice controller tells of them; each has a port of its own."""

    deployment: KubeDeployment
    name: str
    port: int
    conditions: dict[str, dict[str, bool]]

    def tell(self) -> float:
        made: Manifest = manifests.endpoint_slice("web", [])
        made["metadata"]["name"] = self.name
        made["ports"] = [{"name": "lab", "protocol": "TCP", "port": self.port}]
        made["endpoints"] = [
            {"addresses": [str(node.addresses[0].ip)], "nodeName": node.name, "conditions": self.conditions[node.name]}
            for node in self.deployment.lab.topology.nodes
            if node.name in self.conditions
        ]
        self.deployment.cluster.api.client.apply([made])
        return time.monotonic()


def answers() -> bool:
    """As a readiness probe has it."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", NEW_PORT)) == 0


async def test_a_rolling_update_fails_no_new_connection() -> None:
    async with speakers({"web": VIP}, nodes=3) as deployment:
        address, lab = ip_address(VIP), deployment.lab
        all_nodes = everywhere(deployment, VIP)
        old = Pods(
            deployment=deployment, name="web-ipv4", port=DEFAULT_PORT, conditions=dict.fromkeys(deployment.nodes, READY)
        )
        new = Pods(deployment=deployment, name="web-new", port=NEW_PORT, conditions={})
        load = lab.start_load([address], LoadPlan(rate=RATE, held=12))
        quiet: list[tuple[str, float, float]] = []
        for node in deployment.nodes:
            old.conditions[node] = ENDING
            ending_at = old.tell()
            await deployment.routed({address: all_nodes[address] - {node}}, MOVED_S)
            print(f"{node} has no traffic {time.monotonic() - ending_at:.2f} s after its pod began to end")  # noqa: T201 -- figures
            await asyncio.sleep(ending_at + PRE_STOP_S - time.monotonic())
            await deployment.endpoints[node].process.end(1)
            quiet.append((node, ending_at + MOVED_S, time.monotonic()))
            del old.conditions[node]
            old.tell()
            lab.start_endpoint(node, port=NEW_PORT)
            await until(partial(inside, lab.namespace(node), answers), 5)
            new.conditions[node] = READY
            new.tell()
            await deployment.routed(all_nodes, 10)
        report = await load.finish()
        assert [failure for failure in report.failures if failure.outcome is Outcome.FAILED] == []
        for node, begin, end in quiet:
            assert node not in report.between(begin, end).by_node
        assert report.requests > RATE * PRE_STOP_S * 3 * 0.9
        print(f"{report.requests} requests, {report.reset} established connections reset")  # noqa: T201 -- figures
