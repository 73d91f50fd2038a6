"""The program behind a Service in the lab: a small HTTP server that names its node and can be told to fail.

    python -m herald.lab.endpoint NODE [PORT]

It listens on all addresses, so also on VIPs that are bound later. Signals tell it how to behave: SIGUSR1 answers 503,
SIGUSR2 stops listening (new connections are refused, open ones answered 503), SIGHUP is well again.
"""

import asyncio
import contextlib
import json
import signal
import sys
from enum import Enum

DEFAULT_PORT = 8080


class Health(Enum):
    """How it behaves, and the signal that tells it so."""

    WELL = signal.SIGHUP
    FAILING = signal.SIGUSR1
    REFUSING = signal.SIGUSR2


class Endpoint:
    def __init__(self, node: str, port: int) -> None:
        self._body = json.dumps({"node": node}).encode()
        self._port = port
        self._health = Health.WELL
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Serves until cancelled."""
        loop = asyncio.get_running_loop()
        for health in Health:
            loop.add_signal_handler(health.value, self._become, health)
        server = None
        while True:
            if self._health is Health.REFUSING and server is not None:
                server.close()
                server = None
            elif self._health is not Health.REFUSING and server is None:
                server = await asyncio.start_server(self._serve, ["0.0.0.0", "::"], self._port, backlog=1024)
            await self._changed.wait()
            self._changed.clear()

    def _become(self, health: Health) -> None:
        self._health = health
        self._changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept open until the client closes it."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer())
                await writer.drain()
        writer.close()

    def _answer(self) -> bytes:
        status = "200 OK" if self._health is Health.WELL else "503 Service Unavailable"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(self._body)}\r\n\r\n"
        return head.encode() + self._body


def main() -> None:
    node, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_PORT  # noqa: PLR2004 -- an optional argument
    asyncio.run(Endpoint(node, port).run())


if __name__ == "__main__":
    main()
