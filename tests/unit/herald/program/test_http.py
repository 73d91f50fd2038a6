import asyncio
from ipaddress import ip_address

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from herald.program.http import Health, Listen, monitoring

ANY_PORT = Listen(address=ip_address("127.0.0.1"), port=0)


async def get(where: Listen, path: str) -> tuple[int, str]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"http://{where}{path}") as response:
        return response.status, await response.text()


async def test_metrics_are_those_of_the_given_registry_only() -> None:
    registry = CollectorRegistry()
    Gauge("answer", "of everything", registry=registry).set(42)
    async with monitoring(ANY_PORT, registry, lambda: Health(ok=True)) as where:
        status, text = await get(where, "/metrics")
    assert status == 200
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["answer 42.0"]


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
async def test_readyz_says_200_or_503_and_why_at_the_time_of_the_request(path: str) -> None:
    now = Health(ok=False, checks={"synced": "waiting for Service"})
    async with monitoring(ANY_PORT, CollectorRegistry(), lambda: now) as where:
        assert await get(where, path) == (503, '{"ok":false,"checks":{"synced":"waiting for Service"}}')
        now = Health(ok=True, checks={"synced": "ok"})
        assert await get(where, path) == (200, '{"ok":true,"checks":{"synced":"ok"}}')


async def test_a_program_that_is_not_ready_is_live_all_the_same() -> None:
    async with monitoring(ANY_PORT, CollectorRegistry(), lambda: Health(ok=False)) as where:
        assert (await get(where, "/livez"))[0] == 200


async def test_livez_says_when_a_restart_would_help() -> None:
    stuck = Health(ok=False, checks={"loop": "has not turned for 11 s"})
    async with monitoring(ANY_PORT, CollectorRegistry(), lambda: Health(ok=True), lambda: stuck) as where:
        assert await get(where, "/livez") == (503, '{"ok":false,"checks":{"loop":"has not turned for 11 s"}}')
        assert (await get(where, "/readyz"))[0] == 200


async def test_the_port_is_closed_when_the_context_ends() -> None:
    async with monitoring(ANY_PORT, CollectorRegistry(), lambda: Health(ok=True)) as where:
        pass
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection(str(where.address), where.port)


async def test_a_taken_port_is_an_error() -> None:
    async with monitoring(ANY_PORT, CollectorRegistry(), lambda: Health(ok=True)) as where:
        with pytest.raises(OSError, match="in use"):
            async with monitoring(where, CollectorRegistry(), lambda: Health(ok=True)):
                pass


@pytest.mark.parametrize("text", ["127.0.0.1:9100", "[::1]:0", "0.0.0.0:65535"])
def test_listen_is_written_as_it_is_read(text: str) -> None:
    assert str(Listen.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["9100", ":9100", "127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536", "127.0.0.1:", "a:1"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Listen.parse(text)
