"""What the controller says of Services on a real API server, and what it leaves to others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import APPLY_PATCH, MERGE_PATCH, ApiError, Client
from herald.lab.kube.helm import NAMESPACE, install
from herald.lab.kube.tokens import pod_token
from herald.lab.waiting import until
from tests.kube.controllers import Controllers, clear, controllers, create, load_balancer, pool

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

SERVICES = "/api/v1/namespaces/default/services"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    async with running(tmp_path_factory.mktemp("kube")) as server:
        await install(server.client)
        yield server


class Site:
    """A server with a pool of four addresses and a controller that leads."""

    def __init__(self, server: ApiServer, pods: Controllers) -> None:
        self.server, self.pods = server, pods

    def service(self, name: str) -> dict[str, Any]:
        return self.server.client.get(f"{SERVICES}/{name}")

    def vips(self, name: str) -> list[str]:
        return [entry["ip"] for entry in self.service(name)["status"]["loadBalancer"].get("ingress", [])]

    def said(self, name: str) -> tuple[str, str]:
        conditions = self.service(name)["status"].get("conditions", [])
        return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Assigned"), ("", ""))

    def events(self, name: str) -> list[str]:
        found = self.server.client.get(EVENTS)["items"]
        return [each["reason"] for each in found if each["regarding"]["name"] == name]

    def patch_status(self, name: str, status: dict[str, Any]) -> None:
        """As a person does, or a controller that knows no server-side apply."""
        self.server.client.merge(load_balancer(name), {"status": status}, subresource="status")

    async def create(self, *names: str) -> None:
        await create(self.server, names)


@pytest.fixture
async def site(installed: ApiServer, tmp_path: Path) -> AsyncIterator[Site]:
    clear(installed)
    installed.client.apply([pool(cidr="198.51.100.0/30")])
    async with controllers(installed, tmp_path, ["one"]) as pods:
        pods.replicas["one"].start()
        await until(lambda: pods.replicas["one"].lines("synced"), 20)
        yield Site(installed, pods)


async def test_an_assigned_service_says_so_in_mode_condition_and_event(site: Site) -> None:
    await site.create("web")
    await until(lambda: site.said("web") == ("True", "assigned"), 10)
    status = site.service("web")["status"]
    assert status["loadBalancer"]["ingress"] == [{"ip": "198.51.100.0", "ipMode": "VIP"}]
    await until(lambda: "Assigned" in site.events("web"), 10)


async def test_a_service_that_waits_says_why_and_gets_what_becomes_free(site: Site) -> None:
    await site.create(*"abcd")
    await until(lambda: all(site.vips(name) for name in "abcd"), 10)
    await site.create("e")
    await until(lambda: site.said("e") == ("False", "poolsExhausted"), 10)
    await until(lambda: "PoolsExhausted" in site.events("e"), 10)
    freed = site.vips("b")
    site.server.client.delete(load_balancer("b"))
    await until(lambda: site.vips("e") == freed, 10)
    assert site.said("e") == ("True", "assigned")


async def test_conditions_of_others_stay(site: Site) -> None:
    condition = {
        "type": "example.org/Checked",
        "status": "True",
        "reason": "Checked",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = {**load_balancer("web"), "status": {"conditions": [condition]}}
    del body["spec"]
    await site.create("web")
    await until(lambda: site.vips("web"), 10)
    path = f"{SERVICES}/web/status?fieldManager=checker"
    site.server.client.request("PATCH", path, body, content_type=APPLY_PATCH)
    site.server.client.merge(load_balancer("web"), {"metadata": {"annotations": {"herald-lb.io/load-balancer-ips": "?"}}})
    await until(lambda: site.said("web") == ("True", "badRequestedIP"), 10)
    types = {each["type"] for each in site.service("web")["status"]["conditions"]}
    assert types == {"Assigned", "example.org/Checked"}
    assert site.vips("web") == ["198.51.100.0"]


async def test_what_another_controller_has_assigned_is_never_taken(site: Site) -> None:
    await site.create("web")
    await until(lambda: site.vips("web"), 10)
    site.patch_status("web", {"loadBalancer": {"ingress": [{"ip": "203.0.113.9", "ipMode": "VIP"}]}})
    await until(lambda: site.said("web") == ("False", "ownedByAnother"), 10)
    failed = len(site.pods.replicas["one"].lines("owned by another"))
    await asyncio.sleep(1)
    assert site.vips("web") == ["203.0.113.9"]
    assert len(site.pods.replicas["one"].lines("owned by another")) == failed == 1
    message = next(each["message"] for each in site.service("web")["status"]["conditions"] if each["type"] == "Assigned")
    assert "lab has written status.loadBalancer" in message
    site.patch_status("web", {"loadBalancer": {"ingress": None}})
    await until(lambda: site.said("web") == ("True", "assigned"), 10)


async def test_a_service_that_is_no_load_balancer_any_more_says_nothing_and_its_address_is_free(site: Site) -> None:
    await site.create("web")
    await until(lambda: site.vips("web") == ["198.51.100.0"], 10)
    site.server.client.merge(load_balancer("web"), {"spec": {"type": "ClusterIP", "allocateLoadBalancerNodePorts": None}})
    await until(lambda: site.said("web") == ("", ""), 10)
    await site.create("other")
    await until(lambda: site.vips("other") == ["198.51.100.0"], 10)


async def test_what_it_wrote_is_taken_back_from_a_service_that_went_to_another_class_while_it_was_dead(site: Site) -> None:
    await site.create("web")
    await until(lambda: site.vips("web") == ["198.51.100.0"], 10)
    await site.pods.replicas["one"].kill()
    site.server.client.merge(load_balancer("web"), {"spec": {"type": "ClusterIP", "allocateLoadBalancerNodePorts": None}})
    spec = {"type": "LoadBalancer", "loadBalancerClass": "example.org/other", "allocateLoadBalancerNodePorts": False}
    site.server.client.merge(load_balancer("web"), {"spec": spec})
    assert site.said("web") == ("True", "assigned")  # of the ingress the server itself has made an end
    site.pods.replicas["one"].start()
    await until(lambda: (site.vips("web"), site.said("web")) == ([], ("", "")), 15)
    await site.create("other")
    await until(lambda: site.vips("other") == ["198.51.100.0"], 10)


async def test_of_a_duplicate_the_older_keeps_it_and_the_other_gets_another_when_cleared(site: Site) -> None:
    await site.create("old")
    await until(lambda: site.vips("old") == ["198.51.100.0"], 10)
    await site.pods.replicas["one"].kill()
    await asyncio.sleep(1.1)  # creationTimestamps are whole seconds
    await site.create("young")  # as a backup may bring it back
    site.patch_status("young", {"loadBalancer": {"ingress": [{"ip": "198.51.100.0", "ipMode": "VIP"}]}})
    site.pods.replicas["one"].start()
    await until(lambda: site.said("young") == ("False", "duplicateAddress"), 20)
    assert site.vips("old") == site.vips("young") == ["198.51.100.0"]
    assert site.said("old") == ("True", "assigned")
    site.patch_status("young", {"loadBalancer": {"ingress": None}})
    await until(lambda: site.vips("young") == ["198.51.100.1"], 10)
    assert site.said("young") == ("True", "assigned")
    assert site.vips("old") == ["198.51.100.0"]


async def test_a_node_s_or_a_service_cidr_s_address_is_never_assigned(site: Site) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    addresses = [{"type": "InternalIP", "address": "198.51.100.0"}]
    site.server.client.apply([{**node, "status": {"addresses": addresses}}])
    site.server.client.apply([pool("services", "10.96.7.0/24")])
    await asyncio.sleep(0.5)
    await site.create(*"abcd")
    await until(lambda: all(site.vips(name) for name in "abc"), 10)
    await until(lambda: site.said("d") == ("False", "poolsExhausted"), 10)
    assert sorted(site.vips(name)[0] for name in "abc") == ["198.51.100.1", "198.51.100.2", "198.51.100.3"]


async def test_the_server_refuses_what_a_pod_writes_that_does_not_hold_the_lease(site: Site) -> None:
    await site.create("web")
    await until(lambda: site.vips("web"), 10)
    token = pod_token(site.server.client, namespace=NAMESPACE, service_account="herald-controller", pod="two")
    other = Client(site.server.admin.with_token(token))
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.3"}]}}}
    with pytest.raises(ApiError, match="held by 'one', not by pod 'two'") as refused:
        other.request("PATCH", f"{SERVICES}/web/status", status, content_type=MERGE_PATCH)
    assert refused.value.code == 403
    assert site.vips("web") == ["198.51.100.0"]


@pytest.mark.parametrize("step_s", [7200, -7200])
async def test_a_step_of_the_clock_of_the_leader_moves_nothing(installed: ApiServer, tmp_path: Path, step_s: int) -> None:
    """Its own clock, by libfaketime; the machine's is never touched."""
    clear(installed)
    installed.client.apply([pool()])
    clock = tmp_path / "clock"
    clock.write_text("+0")
    env = {
        "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    async with controllers(installed, tmp_path, ["one", "two"], env=env) as pods:
        site = Site(installed, pods)
        for each in pods.replicas.values():
            each.start()
        leader = await pods.leader()
        before = [f"before-{number}" for number in range(10)]
        await site.create(*before)
        await until(lambda: all(site.vips(name) for name in before), 20)
        had = {name: site.vips(name) for name in before}
        clock.write_text(f"{step_s:+d}")
        after = [f"after-{number}" for number in range(10)]
        await site.create(*after)
        await until(lambda: all(site.vips(name) for name in after), 20)
        await asyncio.sleep(3)  # longer than the Lease lasts
        times = [datetime.fromisoformat(str(line["time"])) for line in leader.lines("assigned")]
        assert abs((times[-1] - times[0]).total_seconds() - step_s) < 60
        assert pods.holder == leader.pod
        assert not leader.lines("leads no longer")
        assert {name: site.vips(name) for name in before} == had
        assert len({vip for name in before + after for vip in site.vips(name)}) == 20
