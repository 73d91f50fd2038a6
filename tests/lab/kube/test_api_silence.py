"""When every packet between a node and the API server is lost without a word, the node knows within 30 s."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from herald.kube.api import ApiClient, ApiSource, KubeconfigFile, UnreachableError
from herald.kube.objects import Kind
from herald.kube.source import Changes
from herald.lab.kube.cluster import Cluster
from herald.lab.lab import Lab
from herald.lab.namespace import inside
from herald.lab.topology import Settings, rack
from tests.contract.reader import Reader

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(180)]

NOTICED_S = 30.0
NODES = "/api/v1/nodes"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Lab(rack(Settings(nodes=1, control=True))) as lab:
        cluster = Cluster(lab=lab)
        await cluster.start()
        yield cluster


class Listener:
    """Listens to the API server from inside a node, in a thread of its own, until the silence was noticed."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self.listening = threading.Event()
        self.noticed_at: dict[str, float] = {}
        self.fresh = threading.Event()

    def listen(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        async with (
            ApiClient(KubeconfigFile(path=self._kubeconfig)) as by_source,
            ApiClient(KubeconfigFile(path=self._kubeconfig)) as by_kernel,
            asyncio.TaskGroup() as tasks,
        ):
            changes = Changes()
            source = tasks.create_task(ApiSource(by_source, frozenset({Kind.NODE})).run(changes))
            reader = Reader(changes)
            await reader.until(lambda r: r.synced)
            stream = tasks.create_task(self._stream(by_kernel))
            await reader.until(lambda r: r.stale, within_s=60)
            self.noticed_at["source"] = time.monotonic()
            await stream
            await reader.until(lambda r: not r.stale, within_s=60)
            self.fresh.set()
            source.cancel()

    async def _stream(self, client: ApiClient) -> None:
        """Nothing but the connection's own probes tells that nobody is there any more."""
        query = [("watch", "true"), ("resourceVersion", "0")]
        try:
            async with client.stream(NODES, query, silence_s=120) as pieces:
                self.listening.set()
                async for _ in pieces:
                    pass
        except UnreachableError:
            self.noticed_at["kernel"] = time.monotonic()


async def test_a_silent_loss_is_noticed_by_the_source_and_by_the_kernel(cluster: Cluster, tmp_path: Path) -> None:
    listener = Listener(cluster.api.admin.write_kubeconfig(tmp_path / "kubeconfig"))
    node = cluster.lab.namespace("node1")
    running = asyncio.create_task(asyncio.to_thread(inside, node, listener.listen))
    assert await asyncio.to_thread(listener.listening.wait, 20)
    await cluster.lab.silence("node1")
    began = time.monotonic()
    deadline = began + NOTICED_S
    while len(listener.noticed_at) < 2:
        assert time.monotonic() < deadline, listener.noticed_at
        assert not running.done(), listener.noticed_at
        await asyncio.sleep(0.1)
    print({who: round(at - began, 1) for who, at in listener.noticed_at.items()})  # noqa: T201 -- figures to be read
    await cluster.lab.unsilence("node1")
    await asyncio.wait_for(running, 60)
    assert listener.fresh.is_set()
