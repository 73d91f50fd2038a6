"""Hears from the kernel which paths below some directories changed. A hint, never the truth: events can be lost.

Reports within about 5 ms of a change, in batches while many come.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path

from watchfiles import awatch

logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it logs every batch

STEP_MS = 2
"""A batch is reported once nothing was added for so long. The watching thread wakes as often: 1 % of a core."""
BATCH_MS = 20
"""A batch is reported after so long in any case."""


class Watch:
    """Collects the paths that changed until they are taken."""

    def __init__(self) -> None:
        self._paths: set[Path] = set()
        self._heard = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def follow(self, roots: Iterable[Path]) -> None:
        """Watches these, and only these, from now on: what changes after the return is heard.

        Raises OSError when the kernel grants no (more) watches; what was followed before is not followed then.
        """
        await self.close()
        if roots := list(roots):
            self._listening = asyncio.create_task(self._listen(roots), name="watch of the directory source")
            self._listening.add_done_callback(lambda _: self._heard.set())
            await asyncio.sleep(0)  # the task now waits for its first event: the kernel's watches are in place
            if self._listening.done():
                self._listening.result()

    @property
    def alive(self) -> bool:
        return self._listening is not None and not self._listening.done()

    def take(self) -> set[Path]:
        self._heard.clear()
        paths, self._paths = self._paths, set()
        return paths

    async def wait(self, timeout_s: float) -> None:
        """Until there is something to take or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            if not self._listening.cancelled():
                self._listening.exception()  # what ended it is of no interest any more
            self._listening = None

    async def _listen(self, roots: list[Path]) -> None:
        async for changes in awatch(*roots, watch_filter=None, step=STEP_MS, debounce=BATCH_MS, rust_timeout=0):
            self._paths.update(Path(path) for _, path in changes)
            self._heard.set()
