"""The API server that tests get is a real one: RBAC, tokens, what it stores, and how it fails."""

import asyncio
import time
from pathlib import Path

import pytest

from herald.lab.command import LabError
from herald.lab.kube.access import Access
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import ApiError, Client
from herald.lab.kube.kubectl import kubectl
from herald.lab.kube.tokens import pod_token
from herald.lab.manifests import Manifest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def node(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def names(access: Access, plural: str = "nodes") -> list[str]:
    return [item["metadata"]["name"] for item in Client(access).get(f"/api/v1/{plural}")["items"]]


async def test_it_is_the_version_that_the_module_pins_and_kubectl_speaks_to_it(api_server: ApiServer) -> None:
    assert "Server Version: v1.35.4" in await kubectl(api_server.admin, "version")


@pytest.mark.parametrize("number", [1, 2])
def test_every_test_finds_it_empty(api_server: ApiServer, number: int) -> None:
    assert names(api_server.admin) == names(api_server.admin, "pods") == []
    api_server.client.apply([node(f"node{number}")])
    finalizer = {"metadata": {"finalizers": ["example.org/stays"]}}
    api_server.client.merge(node(f"node{number}"), finalizer)
    assert names(api_server.admin) == [f"node{number}"]


def test_a_token_of_nobody_is_refused(api_server: ApiServer) -> None:
    with pytest.raises(ApiError) as refused:
        names(api_server.admin.with_token("nobody"))
    assert refused.value.code == 401


def test_a_service_account_may_nothing_until_rbac_says_so(api_server: ApiServer) -> None:
    token = pod_token(api_server.client, namespace="kube", service_account="reader", pod="reader-1", node="node7")
    reader = api_server.admin.with_token(token)
    with pytest.raises(ApiError) as refused:
        names(reader)
    assert refused.value.code == 403
    assert "system:serviceaccount:kube:reader" in str(refused.value)
    api_server.client.apply(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "reader"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier"},
                "subjects": [{"kind": "ServiceAccount", "namespace": "kube", "name": "reader"}],
            }
        ]
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            assert names(reader) == []
        except ApiError:
            assert time.monotonic() < deadline
        else:
            break


def test_a_pods_token_names_pod_and_node_and_ends_with_the_pod(api_server: ApiServer) -> None:
    token = pod_token(api_server.client, namespace="kube", service_account="speaker", pod="speaker-1", node="node1")
    review: Manifest = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    extra = Client(api_server.admin.with_token(token)).request("POST", path, review)["status"]["userInfo"]["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == ["speaker-1"]
    assert extra["authentication.kubernetes.io/node-name"] == ["node1"]


async def test_objects_outlive_a_restart_with_a_new_certificate(new_api_server: ApiServer, tmp_path: Path) -> None:
    new_api_server.client.apply([node("node1")])
    old_ca = tmp_path / "old-ca.crt"
    old_ca.write_bytes(new_api_server.ca.read_bytes())
    await new_api_server.renew_certificates()
    assert names(new_api_server.admin) == ["node1"]
    assert old_ca.read_bytes() != new_api_server.ca.read_bytes()
    untrusting = Access(url=new_api_server.url, ca=old_ca, token=new_api_server.admin.token)
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        names(untrusting)


async def test_it_refuses_connections_while_stopped_and_answers_nothing_while_frozen(new_api_server: ApiServer) -> None:
    await new_api_server.stop()
    with pytest.raises(ApiError, match="ConnectionRefusedError"):
        names(new_api_server.admin)
    await new_api_server.start()
    assert names(new_api_server.admin) == []
    new_api_server.freeze()
    asking = asyncio.create_task(asyncio.to_thread(names, new_api_server.admin))
    done, _ = await asyncio.wait([asking], timeout=1)
    assert not done
    new_api_server.thaw()
    assert await asking == []


async def test_two_servers_side_by_side_know_nothing_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    async with running(tmp_path / "one") as one, running(tmp_path / "other") as other:
        one.client.apply([node("node1")])
        assert names(other.admin) == []
        with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
            names(Access(url=other.url, ca=one.ca, token=one.admin.token))
        servers = [one.process, other.process]
    assert not any(server.running for server in servers)


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="unknown flag: --no-such-flag"):
        async with running(tmp_path, flags=["--no-such-flag"]):
            raise AssertionError
