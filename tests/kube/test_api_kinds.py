"""Kinds come and go on a real API server: waited for, looked for again, and never taken for empty when they vanish."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from herald.kube.api import ApiClient, KubeconfigFile
from herald.kube.api.client import JSON, Body, Query
from herald.kube.api.pace import HOLD_S, Pace
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone, Stale, Upsert
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import Client
from tests.contract.api_harness import crds, install_crds
from tests.contract.reader import Reader
from tests.kube.living import life, life_at, pool

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

POOL = ObjectKey("", "default")
CONFIG = (Kind.ADDRESS_POOL, Kind.BGP_PEER)
POOL_CRD = next(crd for crd in crds() if crd["spec"]["names"]["kind"] == Kind.ADDRESS_POOL)


def gone(reader: Reader) -> list[Gone]:
    return [word for word in reader.words if isinstance(word, Gone)]


def is_fresh(*kinds: Kind) -> Callable[[Reader], bool]:
    return lambda reader: reader.synced >= set(kinds) and not reader.stale & set(kinds)


def has_pool(reader: Reader) -> bool:
    return reader.has(Kind.ADDRESS_POOL, "default", "")


async def test_a_program_started_before_its_kinds_waits_says_why_and_goes_on_when_they_come(
    new_api_server: ApiServer, tmp_path: Path
) -> None:
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with life_at(kubeconfig, *CONFIG, Kind.NODE) as reader:
        await reader.until(lambda r: r.stale == set(CONFIG) and r.synced == {Kind.NODE})
        why = {word.kind: word.why for word in reader.words if isinstance(word, Stale)}
        assert why[Kind.ADDRESS_POOL] == "AddressPool is not served by the API server"
        await install_crds(new_api_server.client)
        new_api_server.client.apply([pool("default")])
        await reader.until(is_fresh(*CONFIG), within_s=10)
        await reader.until(has_pool)


class OlderClient(ApiClient):
    """The real client, of a server that does not know ServiceCIDRs yet: asks for something that this one does not know."""

    async def send(
        self, method: str, path: str, body: Body | None = None, *, query: Query = (), content_type: str = JSON
    ) -> bytes:
        unknown = path.replace("servicecidrs", "unknowns")
        return await super().send(method, unknown, body, query=query, content_type=content_type)


async def test_an_optional_kind_that_is_not_served_is_empty(admin_kubeconfig: Path) -> None:
    async with (
        OlderClient(KubeconfigFile(path=admin_kubeconfig)) as client,
        life(client, Kind.SERVICE_CIDR) as (reader, _),
    ):
        await reader.until(lambda r: Kind.SERVICE_CIDR in r.synced)
        assert not reader.stale
        assert not reader.objects


async def test_a_deleted_configuration_object_is_gone_after_the_hold_and_not_before(
    api_server: ApiServer, admin_kubeconfig: Path
) -> None:
    await install_crds(api_server.client)
    api_server.client.apply([pool("default")])
    async with life_at(admin_kubeconfig, Kind.ADDRESS_POOL, pace=Pace(hold_s=2.0)) as reader:
        await reader.until(has_pool)
        began = time.monotonic()
        api_server.client.delete(pool("default"))
        await reader.until(lambda r: not has_pool(r))
        assert 2.0 <= time.monotonic() - began < 3.0


async def test_an_object_that_is_deleted_and_made_anew_within_the_hold_was_never_gone(
    api_server: ApiServer, admin_kubeconfig: Path
) -> None:
    await install_crds(api_server.client)
    api_server.client.apply([pool("default")])
    async with life_at(admin_kubeconfig, Kind.ADDRESS_POOL, pace=Pace(hold_s=1.0)) as reader:
        await reader.until(has_pool)
        api_server.client.delete(pool("default"))
        api_server.client.apply([pool("default")])
        await reader.read_for(2.0)
        assert not gone(reader)
        assert has_pool(reader)


@pytest.mark.parametrize("comes_back", [True, False], ids=["objects-too", "without-its-objects"])
async def test_a_kind_whose_definition_is_deleted_is_stale_and_not_empty(
    new_api_server: ApiServer, tmp_path: Path, *, comes_back: bool
) -> None:
    client = new_api_server.client
    await install_crds(client)
    client.apply([pool("default"), pool("other", "203.0.113.0/24")])
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with life_at(kubeconfig, *CONFIG) as reader:
        await reader.until(lambda r: is_fresh(*CONFIG)(r) and len(r.objects) == 2)
        await asyncio.to_thread(client.delete, POOL_CRD)
        await reader.until(lambda r: Kind.ADDRESS_POOL in r.stale)
        await reader.read_for(HOLD_S + 1)
        assert not gone(reader)
        assert reader.stale == {Kind.ADDRESS_POOL}
        await install_crds(client)
        if comes_back:
            client.apply([pool("default"), pool("other", "203.0.113.0/24")])
            await reader.until(is_fresh(*CONFIG), within_s=HOLD_S + 10)
            assert len(reader.objects) == 2
            assert not gone(reader)
            assert uid(reader) == uid_now(client)
        else:
            await reader.until(lambda r: len(gone(r)) == 2, within_s=HOLD_S + 10)
            await reader.until(is_fresh(*CONFIG))


def uid(reader: Reader) -> str:
    return [word.object.metadata.uid for word in reader.words if isinstance(word, Upsert) and word.key == POOL].pop()


def uid_now(client: Client) -> str:
    return str(client.get(client.path_of(pool("default")))["metadata"]["uid"])
