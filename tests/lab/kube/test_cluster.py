"""A lab's cluster is real: its API server, and kube-proxy's own rules between a VIP and its endpoints."""

import json
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from ipaddress import ip_address

import pytest

from herald.kube.objects import SERVICE_NAME_LABEL
from herald.lab import namespace
from herald.lab.command import LabError, run, run_ip
from herald.lab.kube.client import ApiError
from herald.lab.kube.cluster import Cluster
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, rack
from herald.lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

VIP = "198.51.100.1"
PORT = 8080
NODES = {"node1": "10.0.255.1", "node2": "10.0.255.2"}
TIMEOUT_S = 10.0


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Two nodes, each with an HTTP server."""
    async with Lab(rack(Settings(nodes=2, control=True))) as lab:
        cluster = Cluster(lab=lab)
        await cluster.start()
        for node in NODES:
            lab.start_endpoint(node)
        yield cluster


def service(policy: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "ports": [{"port": PORT}]},
        "status": {"loadBalancer": {"ingress": [{"ip": VIP, "ipMode": "VIP"}]}},
    }


def endpoints(*nodes: str) -> Manifest:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web", "namespace": "default", "labels": {SERVICE_NAME_LABEL: "web"}},
        "addressType": "IPv4",
        "ports": [{"port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [NODES[node]], "nodeName": node, "conditions": {"ready": True}} for node in nodes],
    }


async def send_vip_to(lab: Lab, node: str, vip: str = VIP) -> None:
    """As BGP would, but by hand: one static route on the spine, one on the ToR."""
    version = ip_address(vip).version
    tor, port = lab.topology.cable("spine", "tor1").lower, lab.topology.cable(node, "tor1").lower
    await run_ip([f"route replace {vip} via {tor.address(version)}"], "-n", lab.namespace("spine"))
    await run_ip([f"route replace {vip} via {port.address(version)}"], "-n", lab.namespace("tor1"))


def ask(lab: Lab, vip: str = VIP) -> str | None:
    """The node that answered the client with 200; None if nobody answered."""

    def get() -> str | None:
        connection = HTTPConnection(vip, PORT, timeout=0.5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            return str(json.loads(answer.read())["node"])
        except OSError:
            return None
        finally:
            connection.close()

    return namespace.inside(lab.namespace("client"), get)


def answering(lab: Lab) -> set[str | None]:
    return {ask(lab) for _ in range(12)}


async def test_a_vip_answers_through_kube_proxys_rules_where_an_endpoint_is_and_is_on_no_device(cluster: Cluster) -> None:
    lab = cluster.lab
    await send_vip_to(lab, "node1")
    assert ask(lab) is None
    cluster.api.client.apply([service("Local"), endpoints("node1")])
    assert await until(lambda: ask(lab), TIMEOUT_S) == "node1"
    addresses = await run("ip", "-n", lab.namespace("node1"), "address")
    assert VIP not in addresses
    assert "10.0.255.1" in addresses


async def test_local_drops_where_no_endpoint_is_and_cluster_reaches_those_of_other_nodes(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.api.client.apply([service("Local"), endpoints("node1")])
    await send_vip_to(lab, "node1")
    assert await until(lambda: ask(lab), TIMEOUT_S) == "node1"
    await send_vip_to(lab, "node2")
    rules = ["nsenter", f"--net={namespace.NAMESPACES / lab.namespace('node2')}", "--", "nft", "list", "ruleset"]

    async def known() -> bool:
        return VIP in await run(*rules)

    await until(known, TIMEOUT_S)
    assert ask(lab) is None
    cluster.api.client.apply([service("Cluster")])
    assert await until(lambda: ask(lab), TIMEOUT_S) == "node1"


async def test_an_ipv6_vip_answers_too() -> None:
    vip = "2001:db8:100::7"
    async with Lab(rack(Settings(nodes=1, control=True, ipv6=True))) as lab:
        cluster = Cluster(lab=lab)
        await cluster.start()
        lab.start_endpoint("node1")
        wanted, there = service("Local"), endpoints("node1")
        wanted["spec"] |= {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}
        wanted["status"] = {"loadBalancer": {"ingress": [{"ip": vip, "ipMode": "VIP"}]}}
        there["addressType"] = "IPv6"
        there["endpoints"][0]["addresses"] = ["fd00:0:255::1"]
        cluster.api.client.apply([wanted, there])
        await send_vip_to(lab, "node1", vip)
        assert await until(lambda: ask(lab, vip), TIMEOUT_S) == "node1"


async def test_an_endpoint_that_turns_unready_gets_no_more_new_connections(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.api.client.apply([service("Cluster"), endpoints("node1", "node2")])
    await send_vip_to(lab, "node1")
    await until(lambda: answering(lab) == {"node1", "node2"}, TIMEOUT_S)
    slice_ = endpoints("node1", "node2")
    slice_["endpoints"][0]["conditions"] = {"ready": False, "serving": False, "terminating": False}
    cluster.api.client.merge(slice_, {"endpoints": slice_["endpoints"]})
    await until(lambda: answering(lab) == {"node2"}, TIMEOUT_S)


async def test_objects_and_rules_outlive_the_api_servers_restart(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.api.client.apply([service("Local"), endpoints("node1")])
    await send_vip_to(lab, "node1")
    assert await until(lambda: ask(lab), TIMEOUT_S) == "node1"
    await cluster.api.stop()
    assert ask(lab) == "node1"
    await cluster.api.start()
    assert cluster.api.client.get("/api/v1/namespaces/default/services/web")["status"] == service("Local")["status"]
    cluster.api.client.delete(service("Local"))
    await until(lambda: ask(lab) is None, TIMEOUT_S * 3)


async def test_a_node_whose_cable_to_the_control_plane_is_silent_hears_of_no_change(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.api.client.apply([service("Local"), endpoints("node1", "node2")])
    for node in NODES:
        await send_vip_to(lab, node)
        assert await until(lambda: ask(lab), TIMEOUT_S) == node
    await lab.silence("node1", "control")
    cluster.api.client.delete(endpoints("node1", "node2"))
    await until(lambda: ask(lab) is None, TIMEOUT_S)  # node2 has heard
    await send_vip_to(lab, "node1")
    assert ask(lab) == "node1"


async def test_two_clusters_side_by_side_and_nothing_is_left_of_them() -> None:
    settings = Settings(nodes=1, control=True)
    async with Lab(rack(settings)) as one, Lab(rack(settings)) as other:
        clusters = Cluster(lab=one), Cluster(lab=other)
        for cluster in clusters:
            await cluster.start()
        clusters[0].api.client.apply([service("Local")])
        with pytest.raises(ApiError, match='"web" not found'):
            clusters[1].api.client.get("/api/v1/namespaces/default/services/web")
        running = namespace.processes_in([lab.namespace("control") for lab in (one, other)])
        assert len(running) == 4
    for lab in (one, other):
        assert namespace.of_lab(lab.name) == []
        assert not lab.directory.exists()


async def test_a_lab_without_a_control_plane_says_so() -> None:
    with pytest.raises(LabError, match="control=True"):
        await Cluster(lab=Lab(rack())).start()
