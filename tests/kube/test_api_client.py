"""The client against a real API server: errors as types, time limits, and credentials that change."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from herald.kube.api import (
    ApiClient,
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InCluster,
    InvalidError,
    KubeconfigFile,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from herald.kube.api.client import Query
from herald.kube.api.decode import EventType, decode_event, decode_page
from herald.kube.api.errors import error_of
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.tokens import pod_token
from tests.kube.proxy import proxy_to

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

NODES = "/api/v1/nodes"


@pytest.fixture
async def client(admin_kubeconfig: Path) -> AsyncIterator[ApiClient]:
    async with ApiClient(KubeconfigFile(path=admin_kubeconfig)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("GET", f"{NODES}/nobody", None, NotFoundError),
        ("GET", "/apis/example.org/v1/nothings", None, NotFoundError),  # plain text, not a Status
        ("POST", NODES, {"metadata": {"name": "node1"}}, ConflictError),
        ("POST", NODES, {"metadata": {"name": "No Name"}}, InvalidError),
        ("POST", NODES, {"metadata": 1}, ApiError),
    ],
)
async def test_a_refusal_is_an_error_of_its_own_type_with_the_servers_words(
    api_server: ApiServer, client: ApiClient, method: str, path: str, body: dict[str, object] | None, error: type[ApiError]
) -> None:
    api_server.client.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}])
    with pytest.raises(error) as refused:
        await client.send(method, path, body)
    assert type(refused.value) is error
    assert refused.value.message


async def test_who_may_not_is_told_so_and_who_is_nobody_too(api_server: ApiServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(pod_token(api_server.client, namespace="kube", service_account="guest", pod="guest", node="node1"))
    kubeconfig = api_server.admin.write_kubeconfig(tmp_path / "guest", token_file=token)
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        with pytest.raises(ForbiddenError, match="cannot list resource"):
            await client.get(NODES)
        token.write_text("nobody")
        with pytest.raises(UnauthorizedError):
            await client.get(NODES)


async def test_a_new_token_in_the_file_is_used_at_once_and_no_call_under_way_is_cut(
    api_server: ApiServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(api_server.admin.token)
    kubeconfig = api_server.admin.write_kubeconfig(tmp_path / "kubeconfig", token_file=token)
    async with (
        ApiClient(KubeconfigFile(path=kubeconfig)) as client,
        client.stream(NODES, await watch_from_now(client), silence_s=20) as watch,
    ):
        replacement = tmp_path / "new-token"
        replacement.write_text("nobody")
        replacement.replace(token)
        with pytest.raises(UnauthorizedError):
            await client.get(NODES)
        api_server.client.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}])
        assert b"node1" in await anext(watch)


async def test_a_renewed_ca_is_trusted_and_the_old_one_no_longer(new_api_server: ApiServer, tmp_path: Path) -> None:
    mounted = tmp_path / "ca.crt"
    mounted.write_bytes(new_api_server.ca.read_bytes())
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    kubeconfig.write_text(kubeconfig.read_text().replace(str(new_api_server.ca), str(mounted)))
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        await client.get(NODES)
        await new_api_server.renew_certificates()
        with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(NODES)
        mounted.write_bytes(new_api_server.ca.read_bytes())
        await client.get(NODES)


async def test_a_pod_finds_its_server_and_reads_its_rotated_token(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api_server.ports.api))
    (tmp_path / "ca.crt").write_bytes(api_server.ca.read_bytes())
    (tmp_path / "token").write_text("nobody")
    async with ApiClient(InCluster(directory=tmp_path)) as client:
        with pytest.raises(UnauthorizedError):
            await client.get(NODES)
        (tmp_path / "token").write_text(api_server.admin.token)
        await client.get(NODES)


async def test_credentials_that_cannot_be_read_leave_the_old_ones_in_use(api_server: ApiServer, tmp_path: Path) -> None:
    kubeconfig = api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        await client.get(NODES)
        kubeconfig.write_text("clusters: [")
        await client.get(NODES)
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        with pytest.raises(UnreachableError, match="credentials cannot be read"):
            await client.get(NODES)


async def test_a_server_that_hangs_is_unreachable_after_the_time_limit(api_server: ApiServer, tmp_path: Path) -> None:
    kubeconfig = api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with ApiClient(KubeconfigFile(path=kubeconfig), timeout_s=1.0) as client:
        await client.get(NODES)
        api_server.freeze()
        try:
            began = time.monotonic()
            with pytest.raises(UnreachableError):
                await client.get(NODES)
            assert time.monotonic() - began < 3.0
        finally:
            api_server.thaw()


async def test_a_server_that_refuses_is_unreachable(api_server: ApiServer, tmp_path: Path) -> None:
    async with proxy_to(api_server.ports.api) as proxy:
        kubeconfig = proxy.kubeconfig(api_server.admin, tmp_path / "kubeconfig")
        async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
            await client.get(NODES)
            await proxy.refuse()
            with pytest.raises(UnreachableError):
                await client.get(NODES)


@pytest.mark.parametrize("replaced", [False, True], ids=["current", "replaced"])
async def test_hanging_up_ends_streams_also_on_credentials_that_were_replaced(
    api_server: ApiServer, tmp_path: Path, *, replaced: bool
) -> None:
    token = tmp_path / "token"
    token.write_text(api_server.admin.token)
    kubeconfig = api_server.admin.write_kubeconfig(tmp_path / "kubeconfig", token_file=token)
    streaming = asyncio.Event()

    async def watch(by: ApiClient) -> None:
        async with by.stream(NODES, await watch_from_now(by), silence_s=30) as pieces:
            streaming.set()
            await anext(pieces)

    async with ApiClient(KubeconfigFile(path=kubeconfig)) as caller:
        watching = asyncio.create_task(watch(caller))
        await streaming.wait()
        if replaced:
            token.write_text(api_server.admin.token)
            await caller.get(NODES)
        await caller.hang_up()
        async with asyncio.timeout(2):
            with pytest.raises(UnreachableError):
                await watching
        await caller.get(NODES)


async def test_a_connection_that_was_closed_before_it_is_read_from_is_unreachable(client: ApiClient) -> None:
    """Who hangs up may be quicker than who reads."""
    query = await watch_from_now(client)

    async def hang_up_and_read() -> None:
        async with client.stream(NODES, query, silence_s=30) as pieces:
            await client.hang_up()
            await anext(pieces)

    with pytest.raises(UnreachableError):
        await hang_up_and_read()


async def test_a_watch_that_is_too_old_is_answered_with_200_and_an_error_event_that_says_gone(
    new_api_server: ApiServer, tmp_path: Path
) -> None:
    kubeconfig = new_api_server.admin.write_kubeconfig(tmp_path / "kubeconfig")
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as client:
        query = await watch_from_now(client)
        new_api_server.client.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}])
        await new_api_server.restart()  # its cache of the past begins now
        async with client.stream(NODES, query, silence_s=5) as pieces:
            event = decode_event((await anext(pieces)).strip())
        assert event.type is EventType.ERROR
        assert type(error_of(event.object)) is GoneError


async def watch_from_now(client: ApiClient) -> Query:
    version = decode_page(await client.get(NODES)).metadata.resource_version
    return [("watch", "true"), ("resourceVersion", version)]
