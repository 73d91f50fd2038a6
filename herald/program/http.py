"""The monitoring port, nothing but GET: /metrics (Prometheus text), and /readyz and /livez (200 or 503, and why, as JSON).

Ready: it does its work. Live: a restart would be of no help. /healthz is another name of /readyz.
Read-only and without secrets. Answers from memory: a request never waits for the cluster, a router or the disk.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bgp_config.names import IPAddress
from herald.program.exposition import exposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Is the program doing its work? `checks` names each thing that is looked at and says "ok" or what is wrong."""

    ok: bool
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen. Port 0 lets the kernel choose."""

    address: IPAddress
    port: int

    @staticmethod
    def parse(text: str) -> "Listen":
        """ADDR:PORT, with an IPv6 address in brackets. Raises ValueError, so that it serves as an argparse type."""
        host, separator, port = text.rpartition(":")
        if not separator or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:  # noqa: PLR2004
            raise ValueError(f"not ADDR:PORT: {text!r}")
        address = ip_address(host.removeprefix("[").removesuffix("]"))
        if isinstance(address, IPv6Address) != host.startswith("["):
            raise ValueError(f"an IPv6 address, and only that, is written in brackets: {text!r}")
        return Listen(address=address, port=int(port))

    def __str__(self) -> str:
        host = f"[{self.address}]" if isinstance(self.address, IPv6Address) else str(self.address)
        return f"{host}:{self.port}"


@asynccontextmanager
async def monitoring(
    listen: Listen,
    registry: CollectorRegistry,
    readiness: Callable[[], Health],
    liveness: Callable[[], Health] = lambda: Health(ok=True),
) -> AsyncIterator[Listen]:
    """Serves while the context lasts and yields where it listens. Raises OSError when it cannot.

    That there is an answer at all says that the event loop turns: that is as live as a program is that has no `liveness`.
    """

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await exposition(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def readyz(_: web.Request) -> web.Response:
        return _answer(readiness())

    async def livez(_: web.Request) -> web.Response:
        return _answer(liveness())

    def _answer(now: Health) -> web.Response:
        return web.Response(status=200 if now.ok else 503, body=msgspec.json.encode(now), content_type="application/json")

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/livez", livez)])
    application.add_routes([web.get("/readyz", readyz), web.get("/healthz", readyz)])
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, str(listen.address), listen.port).start()
        address, port = runner.addresses[0][:2]
        yield Listen(address=ip_address(address), port=port)
    finally:
        await runner.cleanup()
