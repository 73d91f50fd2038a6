"""Events read from a socket as they happen, each with its time stamp, while the program does something else.

A thread of its own reads, so that a busy event loop does not make time stamps late. All times are time.monotonic(),
which is one clock for all processes and namespaces of the machine. Invariant: `events` only grows, and only the event
loop's thread appends to it.
"""

import asyncio
import os
import select
import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Recorder(Generic[T]):
    """Owns the socket, from now until `close`. `read` is called in the thread whenever the socket is readable."""

    def __init__(self, source: socket.socket, read: Callable[[socket.socket], Iterable[T]]) -> None:
        self.events: list[T] = []
        self._source = source
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()
        self._failure: OSError | None = None
        self._stop_reading, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    async def first(self, wanted: Callable[[T], bool], timeout_s: float) -> T:
        """The first event, of those before included, that is wanted.

        TimeoutError if there is none in time; OSError if reading failed, so that no event can be missed unnoticed.
        """
        looked_at = 0
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.events[looked_at:]:
                    if wanted(event):
                        return event
                looked_at = len(self.events)
                if self._failure is not None:
                    raise self._failure
                await self._more.wait()

    def close(self) -> None:
        """Ends the thread. What was recorded stays."""
        if self._thread.is_alive():
            os.write(self._stop, b"x")
            self._thread.join()
        if self._source.fileno() >= 0:
            self._source.close()
            os.close(self._stop)
            os.close(self._stop_reading)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._stop_reading, select.POLLIN)
        while True:
            ready = {handle for handle, _ in poll.poll()}
            if self._stop_reading in ready:
                return
            try:
                events = list(self._read(self._source))
            except OSError as error:
                self._loop.call_soon_threadsafe(self._deliver, [], error)
                return
            if events:
                self._loop.call_soon_threadsafe(self._deliver, events)

    def _deliver(self, events: list[T], failure: OSError | None = None) -> None:
        self.events += events
        self._failure = failure
        self._more.set()
        self._more = asyncio.Event()
