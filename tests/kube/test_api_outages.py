"""The API source through what happens to API servers: nothing is taken away, nothing is missed, and it is said."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from herald.kube.api import ApiClient, GoneError, KubeconfigFile
from herald.kube.api.client import JSON, Body, Query
from herald.kube.api.pace import Pace
from herald.kube.objects import Kind
from herald.kube.source import Gone, Stale
from herald.lab.kube.api_server import ApiServer
from tests.contract.reader import Reader
from tests.kube.etcd import compact
from tests.kube.living import RecordingClient, life, life_at, node, service
from tests.kube.proxy import Proxy, proxy_to

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

NOTICED_S = 30.0
"""A connection that is silent is noticed within this."""


@pytest.fixture
async def proxy(api_server: ApiServer) -> AsyncIterator[Proxy]:
    async with proxy_to(api_server.ports.api) as proxy:
        yield proxy


@pytest.fixture
def kubeconfig(api_server: ApiServer, proxy: Proxy, tmp_path: Path) -> Path:
    return proxy.kubeconfig(api_server.admin, tmp_path / "kubeconfig")


def has(*names: str) -> Callable[[Reader], bool]:
    return lambda reader: {key.name for _, key in reader.objects} == set(names)


def is_stale(reader: Reader) -> bool:
    return Kind.NODE in reader.stale


def is_fresh(reader: Reader) -> bool:
    return Kind.NODE in reader.synced and Kind.NODE not in reader.stale


async def test_a_restart_of_the_server_takes_nothing_away_and_hides_nothing(
    api_server: ApiServer, admin_kubeconfig: Path
) -> None:
    api_server.client.apply([node("stays"), node("goes")])
    async with life_at(admin_kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        await api_server.stop()
        await reader.until(is_stale)
        await api_server.start()
        await reader.until(is_fresh, within_s=15)
        assert has("stays", "goes")(reader)
        api_server.client.delete(node("goes"))
        api_server.client.apply([node("new")])
        await reader.until(has("stays", "new"))


async def test_what_changed_while_the_watch_was_cut_and_the_server_forgot_it_is_said(
    api_server: ApiServer, proxy: Proxy, kubeconfig: Path
) -> None:
    """The watch goes on from a state that a restarted server knows no more: it answers 410."""
    api_server.client.apply([node("stays"), node("goes")])
    async with life_at(kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        proxy.silence()
        await proxy.cut()
        api_server.client.delete(node("goes"))
        api_server.client.apply([node("new")])
        await api_server.restart()
        proxy.speak()
        await reader.until(lambda r: has("stays", "new")(r) and is_fresh(r), within_s=15)


class InterruptedClient(ApiClient):
    """The real client; between the first two pages of its first list something happens."""

    def __init__(self, access: KubeconfigFile, server: ApiServer) -> None:
        super().__init__(access)
        self._server = server
        self.gone = 0

    async def send(
        self, method: str, path: str, body: Body | None = None, *, query: Query = (), content_type: str = JSON
    ) -> bytes:
        if "continue" in dict(query) and not self.gone:
            await asyncio.to_thread(self._server.client.apply, [node("late")])
            await compact(self._server)
            await self._server.restart()  # so that it has no cache of that state either
        try:
            return await super().send(method, path, body, query=query, content_type=content_type)
        except GoneError:
            self.gone += 1
            raise


async def test_a_list_that_is_told_410_in_the_middle_begins_again(api_server: ApiServer, admin_kubeconfig: Path) -> None:
    names = [f"node-{number:03}" for number in range(600)]  # more than one page
    await asyncio.to_thread(api_server.client.apply, [node(name) for name in names])
    async with (
        InterruptedClient(KubeconfigFile(path=admin_kubeconfig), api_server) as client,
        life(client, Kind.NODE) as (reader, _),
    ):
        await reader.until(is_fresh, within_s=30)
        assert client.gone == 1
        assert has("late", *names)(reader)
        assert not [word for word in reader.words if isinstance(word, Gone | Stale)]


async def test_bookmarks_move_a_watch_on_while_only_others_objects_change(
    api_server: ApiServer, admin_kubeconfig: Path
) -> None:
    async with (
        RecordingClient(KubeconfigFile(path=admin_kubeconfig)) as client,
        life(client, Kind.SERVICE, pace=Pace(watch_s=4.0)) as (reader, _),
    ):
        await reader.until(lambda r: Kind.SERVICE in r.synced)
        api_server.client.apply([service("web")])
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        api_server.client.apply([service("plain", "ClusterIP")])
        deadline = time.monotonic() + 20
        while len(client.watches) < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        last_seen = reader.get(Kind.SERVICE, "web").metadata.resource_version
        assert int(client.watches[1]["resourceVersion"]) > int(last_seen)
        assert client.lists.count("/api/v1/services") == 1


async def test_connections_that_are_cut_and_can_be_made_again_leave_everything_fresh(
    api_server: ApiServer, proxy: Proxy, kubeconfig: Path
) -> None:
    async with life_at(kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        await proxy.cut()
        api_server.client.apply([node("node1")])
        await reader.until(has("node1"))
        assert not [word for word in reader.words if isinstance(word, Stale)]


@pytest.mark.timing
async def test_a_path_that_goes_silent_is_noticed_and_told(api_server: ApiServer, proxy: Proxy, kubeconfig: Path) -> None:
    """A proxy that takes every packet, and passes none on: TCP sees nothing wrong."""
    async with life_at(kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        proxy.silence()
        began = time.monotonic()
        await reader.until(is_stale, within_s=NOTICED_S)
        print(f"silence of a path noticed after {time.monotonic() - began:.1f} s")  # noqa: T201 -- a figure to be read
        api_server.client.apply([node("node1")])
        proxy.speak()
        await reader.until(lambda r: has("node1")(r) and is_fresh(r), within_s=20)


@pytest.mark.timing
async def test_a_server_that_hangs_is_noticed_and_told(api_server: ApiServer, admin_kubeconfig: Path) -> None:
    """Its kernel acknowledges everything, and nobody answers."""
    async with life_at(admin_kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        api_server.freeze()
        try:
            began = time.monotonic()
            await reader.until(is_stale, within_s=NOTICED_S)
            print(f"hanging server noticed after {time.monotonic() - began:.1f} s")  # noqa: T201 -- a figure to be read
        finally:
            api_server.thaw()
        await reader.until(is_fresh, within_s=20)


async def test_a_running_source_goes_on_with_a_renewed_ca(new_api_server: ApiServer, tmp_path: Path) -> None:
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")  # names the file that is renewed
    async with life_at(kubeconfig, Kind.NODE) as reader:
        await reader.until(is_fresh)
        await new_api_server.renew_certificates()
        new_api_server.client.apply([node("node1")])
        await reader.until(lambda r: has("node1")(r) and is_fresh(r), within_s=20)
