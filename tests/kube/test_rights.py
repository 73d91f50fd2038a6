"""What the service accounts of the chart may and may not do, asked with tokens as their pods have them.

That they may all that they need, and nothing that they do not, is shown by tests/lab/kube/test_rights_used.py.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from herald.kube.api import ApiClient, KubeconfigFile
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Upsert
from herald.lab import manifests
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import APPLY_PATCH, MERGE_PATCH, ApiError, Client
from herald.lab.kube.helm import NAMESPACE, install
from herald.lab.kube.tokens import pod_token
from herald.lab.manifests import Manifest
from herald.lab.waiting import until
from herald.status.world import read_cluster

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

HERALD = "/apis/herald-lb.io/v1alpha1"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A cluster of two nodes with the charts, and somebody's Service, Secrets and status objects in it."""

    server: ApiServer
    speaker: Client
    """Of node1."""
    controller: Client

    @property
    def admin(self) -> Client:
        return self.server.client

    def as_pod(self, program: str, pod: str, node: str | None = None) -> Client:
        token = pod_token(self.admin, namespace=NAMESPACE, service_account=f"herald-{program}", pod=pod, node=node)
        return Client(self.server.admin.with_token(token))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installed]:
    directory: Path = tmp_path_factory.mktemp("rights")
    async with running(directory) as server:
        admin = server.client
        await install(admin, {"passwordSecrets": {NAMESPACE: ["tor1"]}})
        admin.apply(
            [
                *(node(name) for name in ("node1", "node2")),
                manifests.service("web", ports=[{"port": 80}]),
                manifests.secret("tor1", "opensesame"),
                manifests.secret("other", "secret"),
                pool(),
                *(status_object("BGPNode", name, name) for name in ("node1", "node2")),
                *(status_object("BGPSession", f"{name}.tor1", name) for name in ("node1", "node2")),
            ]
        )
        token = pod_token(admin, namespace=NAMESPACE, service_account="herald-speaker", pod="speaker-1", node="node1")
        leader = pod_token(admin, namespace=NAMESPACE, service_account="herald-controller", pod="controller-1")
        found = Installed(
            server=server,
            speaker=Client(server.admin.with_token(token)),
            controller=Client(server.admin.with_token(leader)),
        )
        await until(lambda: policy_is_in_force(found.speaker), 10.0)
        yield found


def policy_is_in_force(speaker: Client) -> bool:
    """The server learns of policies a moment after they were written."""
    return "own node only" in refused(
        speaker, *patch(f"{HERALD}/bgpnodes/node2?dryRun=All", {"metadata": {"labels": {"a": "b"}}})
    )


def node(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def pool() -> Manifest:
    spec = {"blocks": [{"cidr": "198.51.100.0/24"}]}
    return {"apiVersion": "herald-lb.io/v1alpha1", "kind": "AddressPool", "metadata": {"name": "default"}, "spec": spec}


def status_object(kind: str, name: str, owner: str, uid: str = "0") -> Manifest:
    """As the speaker of the node `owner` makes it."""
    owners = [{"apiVersion": "v1", "kind": "Node", "name": owner, "uid": uid}]
    return {"apiVersion": "herald-lb.io/v1alpha1", "kind": kind, "metadata": {"name": name, "ownerReferences": owners}}


Call = tuple[str, str, Manifest | None, str]


def get(path: str) -> Call:
    return "GET", path, None, "application/json"


def post(path: str, body: Manifest) -> Call:
    return "POST", path, body, "application/json"


def patch(path: str, body: Manifest) -> Call:
    return "PATCH", path, body, MERGE_PATCH


def delete(path: str) -> Call:
    return "DELETE", path, None, "application/json"


def ask(client: Client, method: str, path: str, body: Manifest | None, content_type: str) -> None:
    client.request(method, path, body, content_type=content_type)


def refused(client: Client, *call: str | Manifest | None) -> str:
    """Why the call was forbidden; empty if it was not."""
    method, path, body, content_type = call
    try:
        ask(client, str(method), str(path), body if isinstance(body, dict) else None, str(content_type))
    except ApiError as error:
        if error.code != FORBIDDEN:
            raise
        return str(error)
    return ""


LABEL: Manifest = {"metadata": {"labels": {"a": "b"}}}
UNSCHEDULABLE: Manifest = {"spec": {"unschedulable": True}}
INGRESS: Manifest = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}}}
WEB = "/api/v1/namespaces/default/services/web"
NODE = "/api/v1/nodes/node1"
CLUSTER_ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/herald-speaker"
POLICY = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/herald-speaker-own-node"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"

REFUSED_TO_BOTH = {
    "a Secret of another namespace": get("/api/v1/namespaces/kube-system/secrets/tor1"),
    "a Secret that the values do not name": get(f"{SECRETS}?fieldSelector=metadata.name=other"),
    "all Secrets of Herald's namespace": get(SECRETS),
    "all Secrets": get("/api/v1/secrets"),
    "a Secret's change": patch(f"{SECRETS}/tor1", LABEL),
    "a Node's label": patch(NODE, LABEL),
    "a Node's spec": patch(NODE, UNSCHEDULABLE),
    "a Node's status": patch(f"{NODE}/status", {"status": {"phase": "Running"}}),
    "a Service's label": patch(WEB, LABEL),
    "a Service's spec": patch(WEB, {"spec": {"loadBalancerClass": "other"}}),
    "a Service's end": delete(WEB),
    "Pods": get("/api/v1/pods"),
    "ConfigMaps": get("/api/v1/configmaps"),
    "a peer's spec": patch(f"{HERALD}/bgppeers/tor1", LABEL),
    "a pool's end": delete(f"{HERALD}/addresspools/default"),
    "more rights": patch(CLUSTER_ROLE, {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}),
    "less policy": delete(POLICY),
    "a token of another": post(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token", {"spec": {}}),
    "definitions": delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/addresspools.herald-lb.io"),
}
REFUSED_TO_SPEAKERS = {
    "a Service's status": patch(f"{WEB}/status", INGRESS),
    "a pool's finalizer": patch(f"{HERALD}/addresspools/default", {"metadata": {"finalizers": ["a.example/b"]}}),
    "a pool's status": patch(f"{HERALD}/addresspools/default/status", {"status": {}}),
    "the Lease": get(f"{LEASES}/herald-controller"),
    "an Event": post("/apis/events.k8s.io/v1/namespaces/default/events", {"metadata": {"name": "a"}}),
}
REFUSED_TO_CONTROLLERS = {
    "the speakers' Secret": get(f"{SECRETS}?fieldSelector=metadata.name=tor1"),
    "a Drain": post(f"{HERALD}/drains", {"metadata": {"name": "a"}, "spec": {"nodes": ["node1"]}}),
    "another definition": get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.herald-lb.io"),
    "another's Lease": get(f"{LEASES}/other"),
    "a Lease elsewhere": post("/apis/coordination.k8s.io/v1/namespaces/default/leases", {"metadata": {"name": "a"}}),
    "a new BGPNode": post(f"{HERALD}/bgpnodes", status_object("BGPNode", "node3", "node3")),
    "a session's end": delete(f"{HERALD}/bgpsessions/node1.tor1"),
}


@pytest.mark.parametrize("call", REFUSED_TO_BOTH.values(), ids=REFUSED_TO_BOTH.keys())
def test_refused_to_both_programs(installed: Installed, call: Call) -> None:
    assert "herald-speaker" in refused(installed.speaker, *call)
    assert "herald-controller" in refused(installed.controller, *call)


@pytest.mark.parametrize("call", REFUSED_TO_SPEAKERS.values(), ids=REFUSED_TO_SPEAKERS.keys())
def test_refused_to_speakers(installed: Installed, call: Call) -> None:
    assert "herald-speaker" in refused(installed.speaker, *call)


@pytest.mark.parametrize("call", REFUSED_TO_CONTROLLERS.values(), ids=REFUSED_TO_CONTROLLERS.keys())
def test_refused_to_controllers(installed: Installed, call: Call) -> None:
    assert "herald-controller" in refused(installed.controller, *call)


def test_a_speaker_reads_the_secret_that_the_values_name_by_its_name(installed: Installed) -> None:
    found = installed.speaker.get(f"{SECRETS}?fieldSelector=metadata.name=tor1")["items"]
    assert [secret["metadata"]["name"] for secret in found] == ["tor1"]


NODE_STATUS: Manifest = {"status": {"version": "1"}}
SESSION_STATUS: Manifest = {
    "status": {
        "node": "node1",
        "peer": "tor1",
        "peerAddress": "10.1.1.0",
        "peerASN": 65001,
        "localASN": 64512,
        "state": "Established",
        "since": "2026-11-24T12:00:00Z",
        "prefixes": 0,
    }
}


def apply(path: str, body: Manifest) -> Call:
    return "PATCH", f"{path}?fieldManager=herald-speaker&force=true", body, APPLY_PATCH


async def test_who_has_the_role_for_it_can_ask_for_the_status_and_no_more(installed: Installed, tmp_path: Path) -> None:
    """Of all, and of one Service."""
    binding: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "people"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "herald-status"},
        "subjects": [{"kind": "ServiceAccount", "name": "person", "namespace": "default"}],
    }
    person: Manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "person", "namespace": "default"}}
    installed.admin.apply([binding, person])
    token = pod_token(installed.admin, namespace="default", service_account="person", pod="person")
    reader = installed.server.admin.with_token(token)
    async with ApiClient(KubeconfigFile(path=reader.write_kubeconfig(tmp_path / "kubeconfig"))) as client:
        world = await read_cluster(client, ObjectKey("default", "web"))
    assert {change.kind for change in world.changes if isinstance(change, Upsert)} >= {Kind.SERVICE, Kind.NODE}
    assert refused(Client(reader), *get(SECRETS))
    assert refused(Client(reader), *delete(f"{HERALD}/bgpnodes/node1"))


def test_a_speaker_writes_the_status_objects_of_its_own_node(installed: Installed) -> None:
    node, session = f"{HERALD}/bgpnodes/node1", f"{HERALD}/bgpsessions/node1.tor9"
    ask(installed.speaker, *apply(node, status_object("BGPNode", "node1", "node1")))
    ask(installed.speaker, *patch(f"{node}/status", NODE_STATUS))
    ask(installed.speaker, *apply(session, status_object("BGPSession", "node1.tor9", "node1")))
    ask(installed.speaker, *patch(f"{session}/status", SESSION_STATUS))
    ask(installed.speaker, *delete(f"{HERALD}/bgpsessions/node1.tor9"))


OWNED_BY_NODE1 = {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "node1", "uid": "0"}]}}
OF_ANOTHER_NODE = {
    "its BGPNode": apply(f"{HERALD}/bgpnodes/node2", status_object("BGPNode", "node2", "node2")),
    "its BGPNode's status": patch(f"{HERALD}/bgpnodes/node2/status", NODE_STATUS),
    "its BGPNode, taken over": patch(f"{HERALD}/bgpnodes/node2", OWNED_BY_NODE1),
    "a BGPNode of a node that is not": apply(f"{HERALD}/bgpnodes/node3", status_object("BGPNode", "node3", "node1")),
    "its session": patch(f"{HERALD}/bgpsessions/node2.tor1", LABEL),
    "its session's status": patch(f"{HERALD}/bgpsessions/node2.tor1/status", SESSION_STATUS),
    "its session, taken over": patch(f"{HERALD}/bgpsessions/node2.tor1", OWNED_BY_NODE1),
    "its session's end": delete(f"{HERALD}/bgpsessions/node2.tor1"),
    "a session of its name": apply(f"{HERALD}/bgpsessions/node2.tor2", status_object("BGPSession", "node2.tor2", "node1")),
    "a session that it owns": apply(f"{HERALD}/bgpsessions/node1.tor2", status_object("BGPSession", "node1.tor2", "node2")),
    "a session, handed over": patch(
        f"{HERALD}/bgpsessions/node1.tor1",
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "node2", "uid": "0"}]}},
    ),
}


@pytest.mark.parametrize("call", OF_ANOTHER_NODE.values(), ids=OF_ANOTHER_NODE.keys())
def test_a_speaker_may_not_write_of_another_node(installed: Installed, call: Call) -> None:
    assert "own node" in refused(installed.speaker, *call)


@pytest.mark.parametrize("name", ["node1", "node2"])
def test_a_speaker_on_no_node_writes_nothing(installed: Installed, name: str) -> None:
    nowhere = installed.as_pod("speaker", "speaker-nowhere")
    assert "must be bound to a Pod on a node" in refused(nowhere, *patch(f"{HERALD}/bgpnodes/{name}", LABEL))


def test_the_controller_says_that_a_nodes_speaker_is_dead(installed: Installed) -> None:
    """The speakers' policy is about speakers."""
    condition = {"type": "Ready", "status": "Unknown", "reason": "Silent", "message": ""}
    condition["lastTransitionTime"] = "2026-11-24T12:00:00Z"
    status = {"status": {"version": "1", "conditions": [condition]}}
    ask(installed.controller, *patch(f"{HERALD}/bgpnodes/node2/status", status))
