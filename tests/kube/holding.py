"""A proxy that stops a program between what it decided and what it wrote, or between what it wrote and what it was told.

While it holds questions, nothing that the program says reaches the server. While it holds answers, what it says from now on
does, and is never answered. What it asked before, such as a watch, goes on being answered either way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum

from tests.kube.proxy import Proxy


class Hold(Enum):
    NOTHING = "nothing"
    QUESTIONS = "between choice and write"
    ANSWERS = "between write and answer"


class HoldingProxy(Proxy):
    """`held` counts the connections that have something held, since the hold began."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._holding = Hold.NOTHING
        self._held: set[asyncio.Event] = set()

    @property
    def held(self) -> int:
        return len(self._held)

    def hold(self, what: Hold) -> None:
        """What was held before goes on its way."""
        held, self._held, self._holding = self._held, set(), what
        for each in held:
            each.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._flows.wait()
                await self._forward(reader, writer)
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
        answers_flow = asyncio.Event()
        answers_flow.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, upstream_writer, answers_flow))
                tasks.create_task(self._answer(upstream_reader, writer, answers_flow))
        except* (OSError, EOFError):
            pass
        finally:
            upstream_writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers_flow: asyncio.Event) -> None:
        while piece := await reader.read(65536):
            await self._flows.wait()
            if self._holding is Hold.QUESTIONS:
                released = asyncio.Event()
                self._held.add(released)
                await released.wait()
            if self._holding is Hold.ANSWERS:
                answers_flow.clear()
                self._held.add(answers_flow)
            writer.write(piece)
            await writer.drain()
        raise EOFError

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event) -> None:
        while piece := await reader.read(65536):
            await self._flows.wait()
            await flow.wait()
            writer.write(piece)
            await writer.drain()
        raise EOFError


@asynccontextmanager
async def holding_proxy_to(port: int) -> AsyncIterator[HoldingProxy]:
    proxy = HoldingProxy(port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.refuse()
