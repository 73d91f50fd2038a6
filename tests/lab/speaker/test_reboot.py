"""A node reboots under load, on a real API server: what it ran is dead, what its kernel and tmpfs held is gone.

The worst order of a boot: the speaker first, and kube-proxy last, long after the gate has stopped to wait for it. All the
while the API server says that the node's endpoints are ready, since a reboot may be faster than anybody notices.
"""

import asyncio
import shutil
import time

import pytest

from herald.lab.command import run
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.load_report import Outcome
from herald.lab.namespace import NAMESPACES
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until
from tests.lab.fabric import everywhere, fabric, without

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(180)]

NODE = "node1"
RATE = 200
DOWN_S = 4.0
RESTART_S = 3
"""tor2 keeps routes for so long; a node is down for longer."""
WITHOUT_PROXY_S = 7.0
"""The gate waits 5 s."""


async def test_no_new_connection_fails_once_the_routes_of_a_node_that_rebooted_are_back() -> None:
    async with fabric(kube=True, graceful={"tor2": RESTART_S}) as deployment:
        assert isinstance(deployment, KubeDeployment)
        expected = everywhere(deployment)
        load = deployment.lab.start_load(list(expected), LoadPlan(rate=RATE))
        await until(lambda: load.report().requests > RATE, 10)
        await go_down(deployment)
        await deployment.routed(without(expected, NODE), 5)
        gone = time.monotonic()
        await asyncio.sleep(DOWN_S)
        await boot(deployment)
        await deployment.routed(expected, 20)
        back = time.monotonic()
        await until(lambda: NODE in load.report().between(back, time.monotonic()).by_node, 5)
        failed = [each for each in (await load.finish()).between(gone, back + 60).failures if each.outcome is Outcome.FAILED]
        assert failed == [], failed[:3]


async def go_down(deployment: KubeDeployment) -> None:
    """All programs at once, its carriers, the rules and connections in its kernel, its tmpfs, which is that of this boot."""
    deployment.lab.kill_node(NODE)
    for tor in deployment.tors:
        await deployment.lab.cut(NODE, tor)
    await run("nsenter", f"--net={NAMESPACES / deployment.lab.namespace(NODE)}", "--", "nft", "flush", "ruleset")
    shutil.rmtree(deployment.runtime_of(NODE))


async def boot(deployment: KubeDeployment) -> None:
    for tor in deployment.tors:
        await deployment.lab.restore(NODE, tor)
    deployment.start_speaker(NODE)
    deployment.start_endpoint(NODE)
    await asyncio.sleep(WITHOUT_PROXY_S)
    deployment.cluster.start_proxy(NODE)
