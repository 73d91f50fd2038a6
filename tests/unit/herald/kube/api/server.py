"""A stand-in for an API server with failure injection, behind the client: what it answers is said by the test."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from herald.kube.api.access import KubeconfigFile
from herald.kube.api.client import JSON, ApiClient, Body, Query

Answer: TypeAlias = bytes | Exception
Said: TypeAlias = bytes | Exception | asyncio.Event | float
"""What comes in a watch: a piece, its end by an error, or a pause until an event, or for so many seconds."""


def page(*items: Any, version: int = 1, after: str = "") -> bytes:
    return msgspec.json.encode({"metadata": {"resourceVersion": str(version), "continue": after}, "items": items})


def event(type_: str, value: Any) -> bytes:
    return msgspec.json.encode({"type": type_, "object": value}) + b"\n"


def error_event(code: int) -> bytes:
    return event("ERROR", {"kind": "Status", "code": code, "reason": "Because", "message": "so it is"})


class Server(ApiClient):
    """Answers a list as `on_list` says; the watches one after the other, and once these are used up with silence."""

    def __init__(self, on_list: Callable[[str], Answer], watches: Iterable[Sequence[Said]] = ()) -> None:
        super().__init__(KubeconfigFile(path=Path("nowhere")))
        self._on_list = on_list
        self._watches = iter(watches)
        self.calls: Counter[str] = Counter()
        self.watched_from: list[str] = []

    async def send(self, _: str, path: str, __: Body | None = None, *, query: Query = (), content_type: str = JSON) -> bytes:
        assert dict(query)["limit"] == "500"
        assert content_type == JSON
        await asyncio.sleep(0)
        self.calls[f"list {path}"] += 1
        answer = self._on_list(path)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @asynccontextmanager
    async def stream(self, path: str, query: Query, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        assert int(dict(query)["timeoutSeconds"]) < silence_s
        await asyncio.sleep(0)
        self.calls[f"watch {path}"] += 1
        self.watched_from.append(dict(query)["resourceVersion"])
        says = next(self._watches, [asyncio.Event()])
        if says and isinstance(says[0], Exception):
            raise says[0]
        yield _said(says)


class Portal(ApiClient):
    """A proxy in between, which answers every call with a page for people and a 200."""

    def __init__(self) -> None:
        super().__init__(KubeconfigFile(path=Path("nowhere")))

    async def send(self, *_: object, **__: object) -> bytes:
        return b"<!DOCTYPE html><html><body>Sign in</body></html>"


async def _said(says: Sequence[Said]) -> AsyncIterator[bytes]:
    for each in says:
        match each:
            case Exception():
                raise each
            case asyncio.Event():
                await each.wait()
            case bytes():
                yield each
            case _:
                await asyncio.sleep(each)


@asynccontextmanager
async def running(task: asyncio.Task[Any]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
