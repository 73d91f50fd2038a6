"""The API source asks for what Herald needs and for nothing else, as a real API server selects it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from herald.kube.api import ApiClient, KubeconfigFile
from herald.kube.objects import EndpointSlice, Kind, ObjectKey, Secret
from herald.kube.source import Gone
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import Client
from herald.lab.kube.tokens import pod_token
from herald.lab.manifests import Manifest
from tests.contract.reader import Reader
from tests.kube.living import RecordingClient, endpoint_slice, life, node, secret, service

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

LOAD_BALANCERS = (Kind.SERVICE, Kind.ENDPOINT_SLICE)
SLICES_PATH = "/apis/discovery.k8s.io/v1/endpointslices"
SLICES_OF_DEFAULT = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


@pytest.fixture
async def client(admin_kubeconfig: Path) -> AsyncIterator[RecordingClient]:
    async with RecordingClient(KubeconfigFile(path=admin_kubeconfig)) as client:
        yield client


@pytest.fixture
def person(api_server: ApiServer) -> Client:
    return api_server.client


def synced(*kinds: Kind) -> Callable[[Reader], bool]:
    return lambda reader: reader.synced >= set(kinds)


def address_of(reader: Reader, name: str) -> str:
    found = reader.get(Kind.ENDPOINT_SLICE, name)
    assert isinstance(found, EndpointSlice)
    return found.endpoints[0].addresses[0]


async def test_only_load_balancers_are_said_and_only_their_slices(client: RecordingClient, person: Client) -> None:
    person.apply([service("web"), service("plain", "ClusterIP")])
    person.apply([endpoint_slice("web-1", "web", "10.1.0.1"), endpoint_slice("plain-1", "plain", "10.1.0.2")])
    async with life(client, *LOAD_BALANCERS) as (reader, _):
        await reader.until(synced(*LOAD_BALANCERS))
        assert {key.name for _, key in reader.objects} == {"web", "web-1"}
        person.apply([endpoint_slice("plain-2", "plain", "10.1.0.3"), endpoint_slice("web-2", "web", "10.1.0.4")])
        await reader.until(lambda r: r.has(Kind.ENDPOINT_SLICE, "web-2"))
        assert {key.name for _, key in reader.objects} == {"web", "web-1", "web-2"}
        assert SLICES_OF_DEFAULT not in client.lists


async def test_a_service_that_becomes_a_load_balancer_comes_with_the_slices_it_had(
    client: RecordingClient, person: Client
) -> None:
    person.apply([service("web", "ClusterIP"), endpoint_slice("web-1", "web", "10.1.0.1")])
    async with life(client, *LOAD_BALANCERS) as (reader, _):
        await reader.until(synced(*LOAD_BALANCERS))
        assert not reader.objects
        person.apply([endpoint_slice("web-2", "web", "10.1.0.2"), service("web")])
        await reader.until(lambda r: {key.name for _, key in r.objects} == {"web", "web-1", "web-2"})
        person.apply([endpoint_slice("web-1", "web", "10.1.0.9")])
        await reader.until(lambda r: address_of(r, "web-1") == "10.1.0.9")
        assert client.lists.count(SLICES_OF_DEFAULT) == 1


async def test_a_service_that_is_no_load_balancer_any_more_is_gone_with_its_slices(
    client: RecordingClient, person: Client
) -> None:
    person.apply([service("web"), endpoint_slice("web-1", "web", "10.1.0.1")])
    async with life(client, *LOAD_BALANCERS) as (reader, _):
        await reader.until(lambda r: len(r.objects) == 2)
        person.merge(service("web"), {"spec": {"type": "ClusterIP", "allocateLoadBalancerNodePorts": None}})
        await reader.until(lambda r: not r.objects)
        person.apply([service("web")])
        await reader.until(lambda r: {key.name for _, key in r.objects} == {"web", "web-1"})


async def test_a_new_load_balancer_costs_no_list_of_slices(client: RecordingClient, person: Client) -> None:
    async with life(client, *LOAD_BALANCERS) as (reader, _):
        await reader.until(synced(*LOAD_BALANCERS))
        person.apply([service("web")])
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        person.apply([endpoint_slice("web-1", "web", "10.1.0.1")])
        await reader.until(lambda r: r.has(Kind.ENDPOINT_SLICE, "web-1"))
        assert SLICES_OF_DEFAULT not in client.lists
        assert client.lists.count(SLICES_PATH) == 1


async def test_a_speaker_sees_its_own_node_only(client: ApiClient, person: Client) -> None:
    person.apply([node("node1"), node("node2")])
    async with life(client, Kind.NODE, node="node1") as (reader, _):
        await reader.until(synced(Kind.NODE))
        person.apply([node("node2", rack="b"), node("node1", rack="a"), node("node3")])
        await reader.until(lambda r: "rack" in r.get(Kind.NODE, "node1", "").metadata.labels)
        assert {key.name for _, key in reader.objects} == {"node1"}


async def test_a_controller_sees_all_nodes(client: ApiClient, person: Client) -> None:
    person.apply([node("node1"), node("node2")])
    async with life(client, Kind.NODE) as (reader, _):
        await reader.until(synced(Kind.NODE))
        assert {key.name for _, key in reader.objects} == {"node1", "node2"}


async def test_a_node_whose_status_is_only_renewed_is_not_said_again(client: ApiClient, person: Client) -> None:
    person.apply([node("node1"), node("node2")])
    async with life(client, Kind.NODE) as (reader, _):
        await reader.until(synced(Kind.NODE))
        heartbeat = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}
        before = len(reader.words)
        for second in range(3):
            beat = {**heartbeat, "lastHeartbeatTime": f"2026-01-01T00:00:0{second}Z"}
            person.merge(node("node1"), {"status": {"conditions": [beat]}}, subresource="status")
        person.apply([node("node2", rack="b")])
        await reader.until(lambda r: "rack" in r.get(Kind.NODE, "node2", "").metadata.labels)
        assert len([word for word in reader.words[before:] if getattr(word, "key", None) == ObjectKey("", "node1")]) == 1


def reading(*names: str) -> list[Manifest]:
    """The right to read Secrets of these names, and no others, for the service account `speaker`."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "passwords", "namespace": "herald"},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": list(names),
                    "verbs": ["get", "list", "watch"],
                }
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "passwords", "namespace": "herald"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "passwords"},
            "subjects": [{"kind": "ServiceAccount", "name": "speaker", "namespace": "herald"}],
        },
    ]


async def test_secrets_are_read_by_name_and_which_may_change(api_server: ApiServer, person: Client, tmp_path: Path) -> None:
    token = pod_token(person, namespace="herald", service_account="speaker", pod="speaker", node="node1")
    person.apply([*reading("tor1", "tor2"), *(secret(name, "herald", password="x") for name in ("tor1", "tor2", "other"))])
    kubeconfig = api_server.admin.with_token(token).write_kubeconfig(tmp_path / "speaker")
    tor1, tor2 = ObjectKey("herald", "tor1"), ObjectKey("herald", "tor2")

    def has(*keys: ObjectKey) -> Callable[[Reader], bool]:
        return lambda reader: {key for _, key in reader.objects} == set(keys)

    async with (
        ApiClient(KubeconfigFile(path=kubeconfig)) as client,
        life(client, Kind.SECRET, secrets=[tor1]) as (reader, source),
    ):
        await reader.until(synced(Kind.SECRET), within_s=10)
        assert has(tor1)(reader)
        source.want_secrets([tor1, tor2])
        await reader.until(has(tor1, tor2))
        person.apply([secret("tor2", "herald", password="new")])
        await reader.until(lambda r: password(r, tor2) == "bmV3")
        source.want_secrets([tor2])
        await reader.until(has(tor2))
        assert reader.words[-1] == Gone(Kind.SECRET, tor1)
        source.want_secrets([tor2, ObjectKey("herald", "other")])
        await reader.until(lambda r: Kind.SECRET in r.stale)
        assert has(tor2)(reader)
        source.want_secrets([tor2])
        await reader.until(lambda r: Kind.SECRET not in r.stale)


def password(reader: Reader, key: ObjectKey) -> str:
    found = reader.get(Kind.SECRET, key.name, key.namespace)
    assert isinstance(found, Secret)
    return found.data["password"]


async def test_no_secret_wanted_is_synced_at_once(client: ApiClient) -> None:
    async with life(client, Kind.SECRET) as (reader, _):
        await reader.until(synced(Kind.SECRET))
        assert not reader.objects
