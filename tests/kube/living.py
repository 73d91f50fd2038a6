"""A life of the API source for a test, and the objects that tests make of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from herald.kube.api import ApiClient, ApiSource, KubeconfigFile
from herald.kube.api.client import JSON, Body, Query
from herald.kube.api.pace import USUAL, Pace
from herald.kube.objects import CONFIG_API_VERSION, SERVICE_NAME_LABEL, Kind, ObjectKey
from herald.kube.source import Changes
from herald.lab.manifests import Manifest
from tests.contract.reader import Reader


class RecordingClient(ApiClient):
    """The real client; keeps what it was asked for."""

    def __init__(self, access: KubeconfigFile) -> None:
        super().__init__(access)
        self.lists: list[str] = []
        self.watches: list[dict[str, str]] = []

    async def send(
        self, method: str, path: str, body: Body | None = None, *, query: Query = (), content_type: str = JSON
    ) -> bytes:
        self.lists.append(path)
        return await super().send(method, path, body, query=query, content_type=content_type)

    @asynccontextmanager
    async def stream(self, path: str, query: Query, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        self.watches.append(dict(query))
        async with super().stream(path, query, silence_s) as pieces:
            yield pieces


@asynccontextmanager
async def life(
    client: ApiClient,
    *kinds: Kind,
    node: str | None = None,
    secrets: Iterable[ObjectKey] = (),
    pace: Pace = USUAL,
) -> AsyncIterator[tuple[Reader, ApiSource]]:
    changes = Changes()
    source = ApiSource(client, frozenset(kinds), node, pace)
    source.want_secrets(secrets)
    running = asyncio.create_task(source.run(changes))
    try:
        yield Reader(changes), source
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def life_at(kubeconfig: Path, *kinds: Kind, pace: Pace = USUAL) -> AsyncIterator[Reader]:
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client, life(client, *kinds, pace=pace) as (reader, _):
        yield reader


def node(name: str, **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def service(name: str, type_: str = "LoadBalancer") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": type_, "ports": [{"port": 80}], "allocateLoadBalancerNodePorts": False}
        if type_ == "LoadBalancer"
        else {"type": type_, "ports": [{"port": 80}]},
    }


def endpoint_slice(name: str, owner: str, *addresses: str) -> Manifest:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": {SERVICE_NAME_LABEL: owner}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"port": 80}],
    }


def pool(name: str, cidr: str = "198.51.100.0/24") -> Manifest:
    return {
        "apiVersion": CONFIG_API_VERSION,
        "kind": "AddressPool",
        "metadata": {"name": name},
        "spec": {"blocks": [{"cidr": cidr}]},
    }


def secret(name: str, namespace: str = "default", **values: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": values,
    }
