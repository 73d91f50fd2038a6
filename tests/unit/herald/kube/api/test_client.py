"""Answers that are no API server's, over HTTP: a proxy in between may say 200, and mean a page for people."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from herald.kube.api import (
    BGP_NODES,
    ApiClient,
    FieldManager,
    KubeconfigFile,
    LeaseSpec,
    MalformedError,
    Target,
    UnreachableError,
    apply_status,
    create_lease,
    get_lease,
)
from herald.kube.api.pages import list_pages
from herald.kube.objects import ObjectKey

PAGES = {
    "html": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "nothing": b"",
    "json of another kind": b'{"status": "ok"}',
    "latin-1": b'{"metadata": {"name": "\xe4", "resourceVersion": "\xe4"}}',
    "too deep": b'{"metadata": ' + b'{"a":' * 10_000,
}
KEY = ObjectKey("herald", "lease")


async def lists(client: ApiClient) -> None:
    async for _ in list_pages(client, BGP_NODES.collection(), ()):
        pass


async def applies(client: ApiClient) -> None:
    target = Target(resource=BGP_NODES, key=ObjectKey("", "node1"), uid="1")
    await apply_status(client, FieldManager.SPEAKER, target, {})


async def gets_a_lease(client: ApiClient) -> None:
    await get_lease(client, KEY)


async def creates_a_lease(client: ApiClient) -> None:
    await create_lease(client, KEY, LeaseSpec())


@pytest.fixture(params=list(PAGES.values()), ids=list(PAGES))
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ApiClient]:
    """Of a proxy that answers everything with one page."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=request.param)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (_, port, *_), *_ = runner.addresses
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(kubeconfig_of(f"http://127.0.0.1:{port}")))
    async with ApiClient(KubeconfigFile(path=kubeconfig)) as made:
        yield made
    await runner.cleanup()


def kubeconfig_of(server: str) -> dict[str, object]:
    return {
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "here",
    }


@pytest.mark.parametrize("call", [lists, applies, gets_a_lease, creates_a_lease])
async def test_an_answer_that_is_no_api_server_s_counts_as_none(
    client: ApiClient, call: Callable[[ApiClient], Awaitable[None]]
) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(UnreachableError) as error:
            await call(client)
    assert isinstance(error.value, MalformedError)
