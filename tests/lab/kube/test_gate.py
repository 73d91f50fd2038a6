"""The data-path gate under traffic: a node that gets its first endpoint is announced when its kube-proxy has the rules."""

import asyncio
import time
from ipaddress import ip_address

import pytest

from herald.lab.kube.deployment import KubeDeployment
from herald.lab.load_report import Outcome, Result
from herald.lab.traffic import LoadPlan
from tests.lab.kube.speakers import everywhere, speakers

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(150)]

VIP = "198.51.100.1"
NODE = "node2"
RATE = 200
STOPPED_S = 2.0
REQUEST_TIMEOUT_S = 1.0


async def failures_when_an_endpoint_becomes_ready(deployment: KubeDeployment, times: int) -> list[Result]:
    """Of requests begun while NODE's endpoint becomes ready, kube-proxy there being stopped from a second before that until
    a second after. Not counted: what ends when an endpoint goes, since ToR and kube-proxy do that at their own paces; and
    established connections that the ToR's ECMP moves to the new node, as it does whenever it has one more.
    """
    both, vip = everywhere(deployment, VIP), ip_address(VIP)
    proxy = deployment.cluster.proxies[NODE]
    load = deployment.lab.start_load([vip], LoadPlan(rate=RATE))
    windows: list[tuple[float, float]] = []
    for _ in range(times):
        deployment.write_slice("web", unready=[NODE])
        await deployment.routed({vip: both[vip] - {NODE}}, 5)
        await asyncio.sleep(0.2)  # for what is under way
        begin = time.monotonic()
        proxy.stop()
        await asyncio.sleep(STOPPED_S / 2)
        deployment.write_slice("web")
        await asyncio.sleep(STOPPED_S / 2)
        proxy.cont()
        await deployment.routed(both, 10)
        await asyncio.sleep(0.2)
        windows.append((begin, time.monotonic()))
    await asyncio.sleep(REQUEST_TIMEOUT_S)
    report = await load.finish()
    counted = [report.between(*window) for window in windows]
    assert all(each.requests > RATE * STOPPED_S * 0.9 for each in counted)
    assert all(NODE in each.by_node for each in counted), "it got no traffic in the end"
    return [failure for each in counted for failure in each.failures if failure.outcome is Outcome.FAILED]


async def test_no_connection_fails_when_an_endpoint_becomes_ready_20_times() -> None:
    async with speakers({"web": VIP}) as deployment:
        assert await failures_when_an_endpoint_becomes_ready(deployment, 20) == []


async def test_without_the_gate_connections_fail() -> None:
    async with speakers({"web": VIP}, flags=("--data-path", "none")) as deployment:
        assert await failures_when_an_endpoint_becomes_ready(deployment, 2) != []
