"""The harness of the API source: a real API server behind a proxy that can be cut."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from herald.kube.api import ApiClient, ApiSource, KubeconfigFile
from herald.kube.api.client import JSON, Body, Query
from herald.kube.api.lines import LineSplitter
from herald.kube.objects import API_VERSIONS, Kind, ObjectKey
from herald.kube.source import Changes
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError, Client
from tests.contract.harness import Manifest
from tests.contract.reader import Reader
from tests.kube.proxy import Proxy, proxy_to

CRDS = Path(__file__).parents[2] / "deploy" / "crds"
POLICY = "externalTrafficPolicy"
SMUGGLED = f"test.example.org/{POLICY}"
"""Annotation: what the server would not take for the field, and DistortingClient puts there."""


class DistortingClient(ApiClient):
    """The real client, but Services come with the externalTrafficPolicy that an annotation tells of."""

    async def send(
        self, method: str, path: str, body: Body | None = None, *, query: Query = (), content_type: str = JSON
    ) -> bytes:
        answer = await super().send(method, path, body, query=query, content_type=content_type)
        found = json.loads(answer) if answer.startswith(b"{") else {}
        for item in found.get("items") or ():
            _distort(item)
        return json.dumps(found).encode() if "items" in found else answer

    @asynccontextmanager
    async def stream(self, path: str, query: Query, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().stream(path, query, silence_s) as pieces:
            yield _distorted(pieces)


async def _distorted(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    splitter = LineSplitter()
    async for piece in pieces:
        for line in splitter.feed(piece):
            event = json.loads(line)
            _distort(event["object"])
            yield json.dumps(event).encode() + b"\n"


def _distort(item: Manifest) -> None:
    policy = item["metadata"].get("annotations", {}).get(SMUGGLED)
    if policy:
        item["spec"][POLICY] = policy


class ApiHarness:
    """Broken means that the source's connections are cut and refused; tests still reach the server."""

    removal_s = 0.8

    def __init__(self, server: ApiServer, proxy: Proxy, directory: Path) -> None:
        self._client = server.client
        self._proxy = proxy
        self._kubeconfig = proxy.kubeconfig(server.admin, directory / "kubeconfig")
        self._secrets: set[ObjectKey] = set()
        self._source: ApiSource | None = None

    @asynccontextmanager
    async def life(self, kinds: frozenset[Kind]) -> AsyncIterator[Reader]:
        changes = Changes()
        async with DistortingClient(KubeconfigFile(path=self._kubeconfig)) as client:
            self._source = ApiSource(client, kinds)
            self._source.want_secrets(self._secrets)
            running = asyncio.create_task(self._source.run(changes))
            try:
                yield Reader(changes)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running

    async def apply(self, manifest: Manifest) -> None:
        if manifest["kind"] == Kind.SECRET:
            self._secrets.add(ObjectKey(manifest["metadata"]["namespace"], manifest["metadata"]["name"]))
        await asyncio.to_thread(self._client.apply, [*_namespaces(manifest), _smuggled(manifest)])

    async def delete(self, kind: Kind, key: ObjectKey) -> None:
        metadata = {"name": key.name, "namespace": key.namespace}
        manifest = {"apiVersion": API_VERSIONS[kind], "kind": str(kind), "metadata": metadata}
        await asyncio.to_thread(self._client.delete, manifest)

    async def break_outside(self) -> None:
        await self._proxy.refuse()

    async def mend_outside(self) -> None:
        await self._proxy.open()

    def named(self, key: ObjectKey) -> bool:
        return self._source is not None and any(problem.key == key for problem in self._source.problems)

    def withheld(self, kind: Kind, key: ObjectKey) -> bool:
        return self._source is not None and self._source.withholds(kind, key)


def _smuggled(manifest: Manifest) -> Manifest:
    """With nothing in the spec that the server refuses."""
    spec, metadata = dict(manifest.get("spec", {})), dict(manifest["metadata"])
    if POLICY not in spec:
        return manifest
    metadata["annotations"] = {**metadata.get("annotations", {}), SMUGGLED: spec.pop(POLICY)}
    return {**manifest, "metadata": metadata, "spec": spec}


def _namespaces(manifest: Manifest) -> Sequence[Manifest]:
    namespace = manifest["metadata"].get("namespace")
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}] if namespace else []


@asynccontextmanager
async def api_harness(server: ApiServer, directory: Path) -> AsyncIterator[ApiHarness]:
    await install_crds(server.client)
    async with proxy_to(server.ports.api) as proxy:
        yield ApiHarness(server, proxy, directory)


def crds() -> list[Manifest]:
    paths = sorted(CRDS.glob("herald-lb.io_*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


async def install_crds(client: Client, within_s: float = 10.0) -> None:
    """Returns when the server serves them all."""
    await asyncio.to_thread(client.apply, crds())
    async with asyncio.timeout(within_s):
        for crd in crds():
            spec = crd["spec"]
            path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            while not await asyncio.to_thread(_serves, client, path):  # noqa: ASYNC110 -- the server tells nobody
                await asyncio.sleep(0.05)


def _serves(client: Client, path: str) -> bool:
    try:
        client.get(path)
    except ApiError:
        return False
    return True
