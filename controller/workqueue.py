"""The Services that need a write: each at most once, first come, first served. One event loop."""

import asyncio

from herald.kube.objects import ObjectKey


class WorkQueue:
    """Bounded by the number of Services, whatever the rate of changes."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[ObjectKey | None] = asyncio.Queue()
        self._waiting: set[ObjectKey] = set()
        self._later: dict[ObjectKey, asyncio.TimerHandle] = {}

    def add(self, key: ObjectKey) -> None:
        """Its turn comes after those that are in the queue already."""
        self._forget_timer(key)
        if key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: ObjectKey, delay_s: float) -> None:
        """As add, but not before this time has passed; an add in between makes it come at once."""
        self._forget_timer(key)
        self._later[key] = asyncio.get_running_loop().call_later(delay_s, self.add, key)

    async def get(self) -> ObjectKey | None:
        """The next in turn. None when the queue is closed: then for everyone who asks."""
        key = await self._ready.get()
        if key is None:
            self._ready.put_nowait(None)
        else:
            self._waiting.discard(key)
        return key

    def close(self) -> None:
        """Nobody gets anything any more."""
        for key in list(self._later):
            self._forget_timer(key)
        while not self._ready.empty():
            self._ready.get_nowait()
        self._ready.put_nowait(None)

    def _forget_timer(self, key: ObjectKey) -> None:
        if timer := self._later.pop(key, None):
            timer.cancel()
