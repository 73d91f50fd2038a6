"""The data-path gate under traffic: a node that gets its first endpoint is announced when its kube-proxy has the rules."""

import asyncio
import time
from functools import partial
from ipaddress import ip_address

import pytest

from bgp_config.names import IPAddress, host_prefix
from herald.lab import manifests
from herald.lab.command import run
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.load_report import Outcome, Result
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until
from speaker.admission import SILENCE_S
from tests.lab.kube.speakers import everywhere, speakers

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(240)]

SERVICES = {f"web-{number}": f"198.51.100.{number}" for number in range(1, 21)}
"""One for each event: an endpoint that comes and goes again and again would be held back for that."""
NODE = "node2"
RATE = 200
STOPPED_S = 2.0
ALL_ROUTED_S = 0.2
LIMIT_S = 5.0
"""--data-path-timeout, as it is by default."""
SYNCED_S = 1.5
"""kube-proxy writes rules at most once a second: by then it has dropped an endpoint that is gone."""


async def failures_when_an_endpoint_becomes_ready(deployment: KubeDeployment, name: str) -> list[Result]:
    """Of requests begun while NODE's endpoint becomes ready, kube-proxy there being stopped from a second before that until
    a second after. Not counted: what ends when an endpoint goes, since ToR and kube-proxy do that at their own paces; and
    established connections that the ToR's ECMP moves to the new node, as it does whenever it has one more.
    """
    vip, both = ip_address(SERVICES[name]), everywhere(deployment, *SERVICES.values())
    proxy = deployment.cluster.proxies[NODE]
    deployment.write_slice(name, unready=[NODE])
    await deployment.routed({**both, vip: both[vip] - {NODE}}, 5)
    await kube_proxy_knows_of_no_endpoint(deployment, name)
    load = deployment.lab.start_load([vip], LoadPlan(rate=RATE))
    await until(lambda: load.report().requests, 5)
    begin = time.monotonic()
    proxy.stop()
    await asyncio.sleep(STOPPED_S / 2)
    deployment.write_slice(name)
    await asyncio.sleep(STOPPED_S / 2)
    proxy.cont()
    await deployment.routed(both, 10)
    await asyncio.sleep(ALL_ROUTED_S)
    report = (await load.finish()).between(begin, time.monotonic())
    assert report.requests > RATE * STOPPED_S * 0.9
    assert NODE in report.by_node, "it got no traffic in the end"
    return [failure for failure in report.failures if failure.outcome is Outcome.FAILED]


async def failures_when_a_cluster_service_gets_its_endpoint(deployment: KubeDeployment, name: str) -> list[Result]:
    """Of requests begun from when the routers have one node until they have both, kube-proxy being stopped on NODE.

    Every node may announce such a Service; NODE has no endpoint of it, so all that it needs are the rules of its kube-proxy.
    """
    vip, both = ip_address(SERVICES[name]), everywhere(deployment, *SERVICES.values())
    proxy, other = deployment.cluster.proxies[NODE], next(node for node in deployment.nodes if node != NODE)
    deployment.write(f"services/{name}.yaml", manifests.dump([manifests.service(name, policy="Cluster")]))
    deployment.write_slice(name, unready=deployment.nodes)
    await deployment.routed({each: nodes for each, nodes in both.items() if each != vip}, 5)
    await asyncio.sleep(SYNCED_S)
    proxy.stop()
    deployment.write_slice(name, unready=[NODE])
    await until(lambda: all(other in deployment.next_hops(tor).get(vip, ()) for tor in deployment.tors), 5)
    await asyncio.sleep(ALL_ROUTED_S)
    begin = time.monotonic()
    load = deployment.lab.start_load([vip], LoadPlan(rate=RATE))
    await until(lambda: load.report().requests >= RATE / 2, 5)
    proxy.cont()
    await deployment.routed(both, 10)
    await asyncio.sleep(ALL_ROUTED_S)
    report = (await load.finish()).between(begin, time.monotonic())
    assert set(report.by_node) == {other}, "the only one that has an endpoint"
    return [failure for failure in report.failures if failure.outcome is Outcome.FAILED]


async def kube_proxy_knows_of_no_endpoint(deployment: KubeDeployment, name: str) -> None:
    """It syncs up to a second later than the routers change; stopped before that, it would keep rules that still work."""
    path = f"/api/v1/namespaces/default/services/{name}"
    port = deployment.cluster.api.client.get(path)["spec"]["healthCheckNodePort"]
    net = f"--net=/run/netns/{deployment.lab.namespace(NODE)}"
    address = next(node.addresses[0].ip for node in deployment.lab.topology.nodes if node.name == NODE)
    asked = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"http://{address}:{port}")
    deadline = time.monotonic() + 10
    while await run("nsenter", net, "--", *asked) != "503":
        assert time.monotonic() < deadline, "kube-proxy does not notice that the endpoint is gone"
        await asyncio.sleep(0.05)


async def test_no_connection_fails_when_an_endpoint_becomes_ready_20_times() -> None:
    async with speakers(SERVICES) as deployment:
        for name in SERVICES:
            assert await failures_when_an_endpoint_becomes_ready(deployment, name) == []


async def test_no_connection_fails_when_a_cluster_service_gets_its_endpoint() -> None:
    async with speakers(SERVICES) as deployment:
        for name in ("web-1", "web-2"):
            assert await failures_when_a_cluster_service_gets_its_endpoint(deployment, name) == []


async def test_where_kube_proxy_says_nothing_what_is_new_is_the_last_resort_at_once_and_all_after_a_minute() -> None:
    """What was announced before is served all the while by rules that are in the kernel. When it answers all is normal."""
    new, known = (ip_address(SERVICES[name]) for name in ("web-1", "web-2"))
    async with speakers({name: SERVICES[name] for name in ("web-1", "web-2")}) as deployment:
        both = everywhere(deployment, str(new), str(known))
        proxy, tor = deployment.cluster.proxies[NODE], deployment.lab.routers[deployment.lab.topology.tors[0].name]
        deployment.write_slice("web-1", unready=[NODE])
        await deployment.routed({**both, new: both[new] - {NODE}}, 5)
        await kube_proxy_knows_of_no_endpoint(deployment, "web-1")
        load = deployment.lab.start_load([known], LoadPlan(rate=RATE / 4))

        async def is_last_resort(vip: IPAddress) -> bool:
            return {len(path.as_path) for path in await tor.paths(host_prefix(vip))} == {1, 1 + 12}

        proxy.stop()
        at = deployment.write_slice("web-1")
        await until(partial(is_last_resort, new), 10)
        assert time.monotonic() - at > LIMIT_S
        assert deployment.next_hops(tor.name) == {**both, new: both[new] - {NODE}}
        await until(partial(is_last_resort, known), SILENCE_S + 5)
        assert time.monotonic() - at > SILENCE_S - 1
        assert (await load.finish()).failed == 0
        proxy.cont()
        await deployment.routed(both, 5)


async def test_without_the_gate_connections_fail() -> None:
    async with speakers(SERVICES, flags=("--data-path", "none")) as deployment:
        assert await failures_when_an_endpoint_becomes_ready(deployment, "web-1") != []
        assert await failures_when_a_cluster_service_gets_its_endpoint(deployment, "web-2") != []
