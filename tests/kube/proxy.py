"""A TCP proxy between a client and a server, that can be cut, refuse, or go silent: what a network does to a program."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from herald.lab.kube.access import Access


class Proxy:
    """Forwards until told otherwise. While silent it accepts connections and what comes in, and passes on nothing."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.accepted = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def access(self, behind: Access) -> Access:
        """To the same server, by way of the proxy."""
        return Access(url=self.url, ca=behind.ca, token=behind.token)

    def kubeconfig(self, behind: Access, path: Path) -> Path:
        return self.access(behind).write_kubeconfig(path)

    async def open(self) -> None:
        """Accepts connections, always on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cuts all connections and accepts none, until `open`."""
        if self._server:
            self._server.close()
            await self.cut()

    async def cut(self) -> None:
        """Cuts all connections. New ones are accepted if they were before."""
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def silence(self) -> None:
        self._flows.clear()

    def speak(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.accepted += 1
        with suppress(OSError, asyncio.CancelledError):
            await self._flows.wait()
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pass(reader, upstream_writer))
                    tasks.create_task(self._pass(upstream_reader, writer))
            except* (OSError, EOFError):
                pass
            finally:
                upstream_writer.transport.abort()
                writer.transport.abort()
        self._connections.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            await self._flows.wait()
            writer.write(piece)
            await writer.drain()
        raise EOFError


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.refuse()
