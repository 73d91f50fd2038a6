"""Controllers as real programs on a real API server, each as a pod of its own, and a witness of all that is assigned."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from herald.kube.api import ApiClient, KubeconfigFile
from herald.kube.api.lines import LineSplitter
from herald.kube.objects import Service
from herald.lab import process
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import MERGE_PATCH
from herald.lab.kube.helm import NAMESPACE
from herald.lab.kube.tokens import pod_token
from herald.lab.manifests import Manifest
from herald.lab.process import Process
from tests.kube.holding import HoldingProxy, holding_proxy_to

LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/herald-controller"
SERVICES = "/api/v1/services"
NODES = "/api/v1/nodes"
POOLS = "/apis/herald-lb.io/v1alpha1/addresspools"
LEASE_S = 2.0


@dataclass(slots=True, kw_only=True)
class Replica:
    """One pod of the controller: its name and token stay the same in all lives. It reaches the server by its proxy only."""

    pod: str
    proxy: HoldingProxy
    directory: Path
    lease_s: float = LEASE_S
    env: Mapping[str, str] = field(default_factory=dict)
    _process: Process | None = None

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        argv = [
            *(sys.executable, "-m", "herald", "controller", "--kubeconfig", str(self.directory / f"{self.pod}.kubeconfig")),
            *("--identity", self.pod, "--namespace", NAMESPACE, "--lease-duration", str(self.lease_s)),
            *("--listen", "127.0.0.1:0"),
        ]
        log = self.directory / f"{self.pod}.log"
        self._process = process.start(None, argv, name=self.pod, log=log, env={"PYTHONUNBUFFERED": "1", **self.env})

    async def kill(self) -> None:
        """As kill -9; what it had said and the server had not heard is lost."""
        self.process.kill()
        await self.process.wait(5)
        await self.proxy.cut()

    def lines(self, message: str) -> list[dict[str, object]]:
        whole, _, _ = self.process.output().rpartition("\n")  # the last line may be being written
        said = (json.loads(line) for line in whole.splitlines() if line.startswith("{"))
        return [line for line in said if line["message"] == message]


@dataclass(slots=True)
class Controllers:
    """All replicas of a test."""

    server: ApiServer
    replicas: dict[str, Replica] = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """The pod that holds the Lease, as the server has it; empty when there is none."""
        found = self.server.client.get(LEASE_PATH.rpartition("/")[0])["items"]
        return next((str(lease["spec"].get("holderIdentity", "")) for lease in found), "")

    async def leader(self, *, but: str = "") -> Replica:
        """The replica that has been leading and has listed everything; waited for."""

        async with asyncio.timeout(20):
            while True:
                found = self.replicas.get(self.holder)
                if found and found.pod != but and found.process.running:
                    return found
                await asyncio.sleep(0.05)

    def other(self, than: Replica) -> Replica:
        return next(each for each in self.replicas.values() if each is not than)


@asynccontextmanager
async def controllers(
    server: ApiServer,
    directory: Path,
    pods: Sequence[str],
    *,
    lease_s: float = LEASE_S,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Controllers]:
    """None is started yet. All are killed at the end."""
    made = Controllers(server)
    async with contextlib.AsyncExitStack() as stack:
        for pod in pods:
            proxy = await stack.enter_async_context(holding_proxy_to(server.ports.api))
            token = pod_token(server.client, namespace=NAMESPACE, service_account="herald-controller", pod=pod)
            proxy.kubeconfig(server.admin.with_token(token), directory / f"{pod}.kubeconfig")
            made.replicas[pod] = Replica(pod=pod, proxy=proxy, directory=directory, lease_s=lease_s, env=env or {})
        try:
            yield made
        finally:
            for each in made.replicas.values():
                if each._process and each.process.running:
                    each.process.signal(signal.SIGKILL)
                    each.process.reap()


class _Event(msgspec.Struct):
    type: str
    object: Service


@dataclass(slots=True)
class Witness:
    """Sees every state that any Service ever had, in order, and keeps what must never happen."""

    vips: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)

    def assigned(self, names: Iterable[str]) -> bool:
        return all(self.vips.get(name) for name in names)

    def take(self, event: _Event) -> None:
        name = event.object.metadata.name
        if event.type == "DELETED":
            self.vips.pop(name, None)
            return
        if event.type not in {"ADDED", "MODIFIED"}:
            return
        vips, before = tuple(str(vip) for vip in event.object.vips), self.vips.get(name, ())
        if before and vips != before:
            self.wrongs.append(f"{name} moved from {before} to {vips}")
        for other, others in self.vips.items():
            if other != name and set(others) & set(vips):
                self.wrongs.append(f"{vips} given to {name} and {other}")
        self.vips[name] = vips


@asynccontextmanager
async def witness(server: ApiServer, directory: Path) -> AsyncIterator[Witness]:
    """From now on, for as long as the server is not restarted."""
    seen = Witness()
    kubeconfig = server.admin.write_kubeconfig(directory / "witness.kubeconfig")
    version = server.client.get(SERVICES)["metadata"]["resourceVersion"]

    async def watch() -> None:
        query = [("watch", "true"), ("resourceVersion", version), ("timeoutSeconds", "3000")]
        async with ApiClient(KubeconfigFile(path=kubeconfig)) as client, client.stream(SERVICES, query, 600) as pieces:
            splitter = LineSplitter()
            async for piece in pieces:
                for line in splitter.feed(piece):
                    seen.take(msgspec.json.decode(line, type=_Event))

    watching = asyncio.create_task(watch())
    try:
        yield seen
        assert not watching.done(), "the witness has fallen asleep"
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def load_balancer(name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]},
    }


def pool(name: str = "default", cidr: str = "198.51.100.0/22", **metadata: object) -> Manifest:
    return {
        "apiVersion": "herald-lb.io/v1alpha1",
        "kind": "AddressPool",
        "metadata": {"name": name, **metadata},
        "spec": {"blocks": [{"cidr": cidr}]},
    }


async def create(server: ApiServer, names: Iterable[str]) -> None:
    """A burst of Services, over one connection."""
    await asyncio.to_thread(server.client.apply, [load_balancer(name) for name in names])


def clear(server: ApiServer) -> None:
    """Removes what the tests of controllers make, but not what the charts install."""
    for path in (SERVICES, NODES, POOLS, LEASE_PATH.rpartition("/")[0]):
        for item in server.client.get(path)["items"]:
            metadata = item["metadata"]
            if metadata["name"] == "kubernetes":
                continue
            root, _, plural = path.rpartition("/")
            place = root if path != SERVICES else f"{root}/namespaces/{metadata['namespace']}"
            at = f"{place}/{plural}/{metadata['name']}"
            if metadata.get("finalizers"):
                server.client.request("PATCH", at, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
            if "deletionTimestamp" not in metadata:
                server.client.request("DELETE", at)
