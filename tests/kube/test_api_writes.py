"""What is written to a real API server: who owns which field, and which writes are refused."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest

from bgp_config.names import IPAddress
from herald.kube.api import (
    BGP_NODES,
    RESOURCES,
    ApiClient,
    ConflictError,
    Event,
    EventType,
    FieldManager,
    InvalidError,
    KubeconfigFile,
    LeaseSpec,
    NotFoundError,
    OwnedByAnotherError,
    Target,
    apply,
    apply_service_status,
    apply_status,
    create_event,
    create_lease,
    get_lease,
    update_lease,
)
from herald.kube.api.lease import micro_time
from herald.kube.objects import Condition, Kind, ObjectKey, Service
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import Client
from herald.lab.manifests import Manifest
from tests.contract.api_harness import install_crds

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

WEB = ObjectKey("default", "web")
VIP = ip_address("198.51.100.7")
NOW = "2026-11-24T12:00:00Z"
ASSIGNED = Condition(type="herald-lb.io/Assigned", status="True", reason="Assigned", last_transition_time=NOW)
SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
}
LEASE = ObjectKey("default", "herald-controller")


@pytest.fixture
async def client(admin_kubeconfig: Path) -> AsyncIterator[ApiClient]:
    async with ApiClient(KubeconfigFile(path=admin_kubeconfig)) as client:
        yield client


@pytest.fixture
def person(api_server: ApiServer) -> Client:
    """Somebody else, who has made the Service."""
    api_server.client.apply([SERVICE])
    return api_server.client


async def read(client: ApiClient) -> Service:
    return msgspec.json.decode(await client.get(RESOURCES[Kind.SERVICE].path(WEB)), type=Service)


def assigned_by(person: Client, *vips: str) -> None:
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": vip} for vip in vips]}}}
    person.merge(SERVICE, ingress, subresource="status")


@pytest.mark.usefixtures("person")
async def test_vips_and_conditions_are_written_and_read_back(client: ApiClient) -> None:
    vips: list[IPAddress] = [VIP, ip_address("2001:db8::7")]
    await apply_service_status(client, await read(client), vips, [ASSIGNED])
    found = await read(client)
    assert found.vips == tuple(vips)
    assert {ingress.ip_mode for ingress in found.status.load_balancer.ingress} == {"VIP"}
    assert found.status.conditions == [ASSIGNED]


async def test_an_ingress_of_another_controller_is_never_taken_and_its_owner_is_named(
    client: ApiClient, person: Client
) -> None:
    assigned_by(person, "203.0.113.1")
    with pytest.raises(OwnedByAnotherError) as refused:
        await apply_service_status(client, await read(client), [VIP])
    assert refused.value.manager == "lab"
    assert (await read(client)).vips == (ip_address("203.0.113.1"),)


async def test_conditions_are_said_also_of_a_service_that_is_another_controllers(client: ApiClient, person: Client) -> None:
    assigned_by(person, "203.0.113.1")
    await apply_service_status(client, await read(client), [], [ASSIGNED])
    found = await read(client)
    assert found.vips == (ip_address("203.0.113.1"),)
    assert found.status.conditions == [ASSIGNED]


@pytest.mark.usefixtures("person")
async def test_a_vip_that_is_not_said_again_is_given_up(client: ApiClient) -> None:
    await apply_service_status(client, await read(client), [VIP], [ASSIGNED])
    await apply_service_status(client, await read(client), [], [ASSIGNED])
    assert (await read(client)).vips == ()


async def test_a_service_that_was_made_anew_gets_nothing_of_the_old_ones(client: ApiClient, person: Client) -> None:
    old = await read(client)
    person.delete(SERVICE)
    with pytest.raises((InvalidError, NotFoundError, ConflictError)):
        await apply_service_status(client, old, [VIP])
    person.apply([SERVICE])
    with pytest.raises((InvalidError, ConflictError)):
        await apply_service_status(client, old, [VIP])
    assert (await read(client)).vips == ()


async def test_a_decision_about_a_state_that_has_changed_is_refused(client: ApiClient, person: Client) -> None:
    old = await read(client)
    person.merge(SERVICE, {"metadata": {"annotations": {"a": "b"}}})
    with pytest.raises(ConflictError):
        await apply_service_status(client, old, [VIP], unchanged=True)
    await apply_service_status(client, old, [VIP])


async def test_a_finalizer_is_added_and_removed_beside_those_of_others(api_server: ApiServer, client: ApiClient) -> None:
    await install_crds(api_server.client)
    pool: Manifest = {
        "apiVersion": "herald-lb.io/v1alpha1",
        "kind": "AddressPool",
        "metadata": {"name": "default", "finalizers": ["example.org/other"]},
        "spec": {"blocks": [{"cidr": "198.51.100.0/24"}]},
    }
    api_server.client.apply([pool])
    uid = api_server.client.get(api_server.client.path_of(pool))["metadata"]["uid"]
    target = Target(resource=RESOURCES[Kind.ADDRESS_POOL], key=ObjectKey("", "default"), uid=uid)
    metadata = {"metadata": {"finalizers": ["herald-lb.io/in-use"]}}
    added = await apply(client, FieldManager.CONTROLLER, target, metadata)
    assert set(added.finalizers) == {"example.org/other", "herald-lb.io/in-use"}
    removed = await apply(client, FieldManager.CONTROLLER, target, {})
    assert removed.finalizers == ["example.org/other"]


async def test_an_object_without_a_uid_is_made_and_its_status_written(api_server: ApiServer, client: ApiClient) -> None:
    await install_crds(api_server.client)
    node = Target(resource=BGP_NODES, key=ObjectKey("", "node1"))
    made = await apply(client, FieldManager.SPEAKER, node, {})
    target = Target(resource=BGP_NODES, key=node.key, uid=made.uid)
    await apply_status(client, FieldManager.SPEAKER, target, {"version": "1.0"})
    stranger = Target(resource=BGP_NODES, key=node.key, uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises((ConflictError, InvalidError)):
        await apply(client, FieldManager.SPEAKER, stranger, {})


async def test_the_status_of_a_custom_object_made_anew_is_guarded_by_the_resource_version_alone(
    api_server: ApiServer, client: ApiClient
) -> None:
    await install_crds(api_server.client)
    node = Target(resource=BGP_NODES, key=ObjectKey("", "node1"))
    old = await apply(client, FieldManager.SPEAKER, node, {})
    await client.send("DELETE", BGP_NODES.path(node.key))
    await apply(client, FieldManager.SPEAKER, node, {})
    read = Target(resource=BGP_NODES, key=node.key, uid=old.uid, resource_version=old.resource_version)
    with pytest.raises(ConflictError):
        await apply_status(client, FieldManager.SPEAKER, read, {"version": "1.0"})


async def test_of_two_writers_of_a_lease_the_second_is_refused(client: ApiClient) -> None:
    with pytest.raises(NotFoundError):
        await get_lease(client, LEASE)
    at = micro_time(datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC))
    mine = LeaseSpec(holder_identity="one", lease_duration_seconds=15, acquire_time=at, renew_time=at, lease_transitions=0)
    first = await create_lease(client, LEASE, mine)
    with pytest.raises(ConflictError):
        await create_lease(client, LEASE, mine)
    assert (await get_lease(client, LEASE)).spec == mine
    renewed = await update_lease(client, first, msgspec.structs.replace(mine, lease_transitions=1))
    with pytest.raises(ConflictError):
        await update_lease(client, first, msgspec.structs.replace(mine, holder_identity="two"))
    released = await update_lease(client, renewed, LeaseSpec())
    assert (await get_lease(client, LEASE)).spec == released.spec == LeaseSpec()


@pytest.mark.parametrize("kind", [Kind.SERVICE, Kind.NODE])
async def test_an_event_is_found_at_the_object_that_it_is_about(
    api_server: ApiServer, client: ApiClient, kind: Kind
) -> None:
    key = WEB if kind is Kind.SERVICE else ObjectKey("", "node1")
    event = Event(
        regarding=Target(resource=RESOURCES[kind], key=key, uid="1234"),
        type=EventType.WARNING,
        reason="PoolExhausted",
        action="Assign",
        note="é" * 2000,
        at=datetime.now(UTC),
    )
    await create_event(client, event, "herald-lb.io/controller", "herald-controller-0")
    found = api_server.client.get(f"/api/v1/namespaces/default/events?fieldSelector=involvedObject.name={key.name}")["items"]
    assert [(item["reason"], item["type"], item["involvedObject"]["kind"]) for item in found] == [
        ("PoolExhausted", "Warning", str(kind))
    ]
