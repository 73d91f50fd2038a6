"""Pools that are deleted or renamed while Services have addresses of them, on a real API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from controller.config_state import FINALIZER, RELEASE
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import ApiError
from herald.lab.kube.helm import install
from herald.lab.waiting import until
from tests.kube.controllers import POOLS, Controllers, Witness, clear, controllers, create, pool, witness

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/addresspools.herald-lb.io"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    async with running(tmp_path_factory.mktemp("kube")) as server:
        await install(server.client)
        yield server


class Site:
    """A server with the pool `default` and Services that have addresses of it, and a controller that leads."""

    def __init__(self, server: ApiServer, pods: Controllers, seen: Witness) -> None:
        self.server, self.pods, self.seen = server, pods, seen

    def pool(self, name: str = "default") -> dict[str, Any] | None:
        try:
            return self.server.client.get(f"{POOLS}/{name}")
        except ApiError:
            return None

    def condition(self, type_: str, name: str = "default") -> tuple[str, str]:
        found = self.pool(name) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next(((each["status"], each["reason"]) for each in conditions if each["type"] == type_), ("", ""))

    def delete_pool(self, name: str = "default") -> None:
        self.server.client.delete(pool(name))

    async def has(self, *names: str) -> None:
        await until(lambda: self.seen.assigned(names), 20)

    def holds(self) -> None:
        assert self.seen.wrongs == []


@pytest.fixture
async def site(installed: ApiServer, tmp_path: Path) -> AsyncIterator[Site]:
    clear(installed)
    installed.client.apply([pool(cidr="198.51.100.0/24")])
    async with controllers(installed, tmp_path, ["one"]) as pods, witness(installed, tmp_path) as seen:
        made = Site(installed, pods, seen)
        pods.replicas["one"].start()
        await create(installed, ["a", "b"])
        await made.has("a", "b")
        await until(lambda: FINALIZER in (made.pool() or {})["metadata"].get("finalizers", []), 10)
        yield made
        made.holds()


async def test_a_pool_says_that_it_is_ready_and_how_much_is_in_use(site: Site) -> None:
    await until(lambda: site.condition("Ready") == ("True", "Ready"), 10)
    assert site.condition("Accepted") == ("True", "Accepted")
    assert site.condition("Programmed") == ("True", "Current")
    assert site.condition("Stalled") == ("False", "Accepted")
    await until(lambda: (site.pool() or {})["status"]["ipv4"] == {"total": 256, "used": 2}, 15)


async def test_a_refused_form_stalls_and_the_last_good_one_stays(site: Site) -> None:
    spec = {"blocks": [{"start": "198.51.100.9", "stop": "198.51.100.1"}]}
    site.server.client.merge(pool(), {"spec": spec})
    await until(lambda: site.condition("Stalled") == ("True", "Refused"), 10)
    assert site.condition("Programmed") == ("False", "LastGood")
    await create(site.server, ["c"])
    await site.has("c")


async def test_deleted_in_use_it_serves_on_gives_none_and_goes_when_it_is_released(site: Site) -> None:
    site.delete_pool()
    await until(lambda: site.condition("Ready") == ("False", "Terminating"), 10)
    await create(site.server, ["late"])
    await until(lambda: "late" in site.seen.vips, 10)
    await asyncio.sleep(1)
    assert not site.seen.assigned(["late"])
    assert site.pool()
    site.server.client.merge(pool(), {"metadata": {"annotations": {RELEASE: "true"}}})
    await until(lambda: site.pool() is None, 10)
    assert site.seen.assigned(["a", "b"])


async def test_deleted_unused_it_goes_at_once(site: Site) -> None:
    site.server.client.apply([pool("spare", "203.0.113.0/24")])
    await until(lambda: FINALIZER in (site.pool("spare") or {})["metadata"].get("finalizers", []), 10)
    site.delete_pool("spare")
    await until(lambda: site.pool("spare") is None, 5)


@pytest.mark.parametrize("first", ["new", "old"])
async def test_renamed_its_addresses_go_over_to_the_new_one(site: Site, first: str) -> None:
    renamed = pool("renamed", cidr="198.51.100.0/24")
    if first == "new":  # as Argo CD does it: what is new is applied, then what is gone is pruned
        site.server.client.apply([renamed])
        await until(lambda: site.condition("Accepted", "renamed") == ("False", "Refused"), 10)
        site.delete_pool()
    else:
        site.delete_pool()
        await until(lambda: site.condition("Ready") == ("False", "Terminating"), 10)
        site.server.client.apply([renamed])
    await until(lambda: site.pool() is None, 10)
    await until(lambda: site.condition("Accepted", "renamed") == ("True", "Accepted"), 10)
    await create(site.server, ["c"])
    await site.has("a", "b", "c")
    await until(lambda: (site.pool("renamed") or {})["status"]["ipv4"]["used"] == 3, 15)


async def test_the_kind_itself_can_be_deleted_and_nothing_moves(site: Site) -> None:
    async with without_the_kind(site.server):
        await create(site.server, ["c"])
        await until(lambda: "c" in site.seen.vips, 10)
        await asyncio.sleep(11)  # longer than a deletion of configuration is held
        site.holds()
        assert site.seen.assigned(["a", "b"])
        assert not site.seen.assigned(["c"])  # what was being deleted serves on, and gives none
    site.server.client.apply([pool(cidr="198.51.100.0/24")])
    await until(lambda: site.condition("Ready") == ("True", "Ready"), 20)
    await create(site.server, ["d"])
    await site.has("a", "b", "c", "d")


@asynccontextmanager
async def without_the_kind(server: ApiServer) -> AsyncIterator[None]:
    """Afterwards it is served again, for the tests that follow too."""
    definition = server.client.get(DEFINITION)
    del definition["metadata"]["resourceVersion"], definition["metadata"]["uid"], definition["status"]
    definition["metadata"].pop("managedFields", None)
    server.client.request("DELETE", DEFINITION)
    try:
        await until(lambda: gone(server), 20)
        yield
    finally:
        server.client.apply([definition])
        await until(lambda: served(server), 10)


def served(server: ApiServer) -> bool:
    try:
        server.client.get(POOLS)
    except ApiError:
        return False
    return True


def gone(server: ApiServer) -> bool:
    try:
        server.client.get(DEFINITION)
    except ApiError:
        return True
    return False
