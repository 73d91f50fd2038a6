"""What the demo and the tests do to a cluster happens on its real API server, and its VIPs answer through kube-proxy."""

from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from herald.kube.objects import ObjectKey
from herald.lab.command import run_ip
from herald.lab.deployment import EXAMPLES
from herald.lab.kube.client import ApiError
from herald.lab.kube.deployment import KubeDeployment, kube_deployment
from herald.lab.kube.kubectl import kubectl
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, rack
from herald.lab.traffic import LoadPlan
from herald.lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

VIPS = {
    ObjectKey("ingress", "web"): "198.51.100.1",
    ObjectKey("tools", "registry"): "198.51.100.2",
    ObjectKey("network", "dns"): "198.51.100.53",
}
TIMEOUT_S = 10.0


@pytest.fixture
async def deployment() -> AsyncIterator[KubeDeployment]:
    """The examples, with endpoints and without Herald's programs: the test assigns VIPs and routes them."""
    async with Lab(rack(Settings(control=True))) as lab:
        deployment = await kube_deployment(lab, examples=EXAMPLES)
        deployment.prepare()
        for node in deployment.nodes:
            deployment.start_endpoint(node)
        yield deployment


def assign(deployment: KubeDeployment) -> None:
    for key, vip in VIPS.items():
        metadata = {"namespace": key.namespace, "name": key.name}
        service: Manifest = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        status = {"status": {"loadBalancer": {"ingress": [{"ip": vip, "ipMode": "VIP"}]}}}
        deployment.cluster.api.client.merge(service, status, subresource="status")


async def route(lab: Lab, node: str) -> None:
    tor, port = lab.topology.cable("spine", "tor1").lower, lab.topology.cable(node, "tor1").lower
    await run_ip((f"route replace {vip} via {tor.address(4)}" for vip in VIPS.values()), "-n", lab.namespace("spine"))
    await run_ip((f"route replace {vip} via {port.address(4)}" for vip in VIPS.values()), "-n", lab.namespace("tor1"))


async def test_every_services_vip_answers_whatever_its_ports_local_by_its_node_and_cluster_by_all(
    deployment: KubeDeployment,
) -> None:
    assert deployment.vips() == {}
    assign(deployment)
    assert deployment.vips() == {key: (ip_address(vip),) for key, vip in VIPS.items()}
    await route(deployment.lab, "node2")
    load = deployment.lab.start_load([ip_address(vip) for vip in VIPS.values()], LoadPlan(rate=100))
    nodes = {vip: {"node2"} for vip in VIPS.values()} | {VIPS[ObjectKey("tools", "registry")]: set(deployment.nodes)}

    def answering() -> bool:
        return all(set(load.report().to(ip_address(vip)).by_node) == wanted for vip, wanted in nodes.items())

    await until(answering, TIMEOUT_S)


async def test_an_endpoint_that_is_set_unready_is_so_on_the_api_server(deployment: KubeDeployment) -> None:
    columns = "jsonpath={range .endpoints[*]}{.nodeName}={.conditions.ready} {end}"
    look = ("get", "endpointslice", "-n", "ingress", "web", "-o", columns)
    assert await kubectl(deployment.cluster.api.admin, *look) == "node1=true node2=true node3=true "
    deployment.set_ready("endpointslices/web.yaml", "node2", ready=False)
    assert await kubectl(deployment.cluster.api.admin, *look) == "node1=true node2=false node3=true "


async def test_what_is_removed_is_gone_from_the_api_server(deployment: KubeDeployment) -> None:
    deployment.write_service("shop")
    path = "/api/v1/namespaces/default/services/shop"
    assert deployment.cluster.api.client.get(path)["spec"]["externalTrafficPolicy"] == "Local"
    deployment.remove("services/shop.yaml")
    with pytest.raises(ApiError, match='"shop" not found'):
        deployment.cluster.api.client.get(path)
    assert not (deployment.manifests / "services" / "shop.yaml").exists()
