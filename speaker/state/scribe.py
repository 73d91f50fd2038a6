"""Writes the state file when something changed: soon, but never for more than a small part of the time, and in slices.

What is written is not of one moment: each object is as it was when its slice was made, which is as good, since objects come
in no order anyway; what changes meanwhile is in the next file. A directory that cannot be written to is said once and tried
again: the speaker works on, only its successor will know less.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from herald.program.logs import fields
from speaker.state.file import Origin, Writer

SLICE: Final = 64
"""Lines at a time, between which the loop's own work goes on."""
PAUSE_S: Final = 0.25
SHARE: Final = 50.0
"""The pause after each file is so many times as long as writing it took, at least."""
RETRY_S: Final = 5.0

log = logging.getLogger(__name__)


class Scribe:
    """Of one file. `lines` begins to tell what shall be in it; None: not yet."""

    def __init__(self, path: Path, origin: Origin, lines: Callable[[], Iterable[bytes] | None]) -> None:
        self._path = path
        self._origin = origin
        self._lines = lines
        self._touched = asyncio.Event()
        self._pen = asyncio.Lock()
        self._failed = False
        self.written_at: float | None = None
        self.octets = 0

    def touch(self) -> None:
        """Something changed that is in the file."""
        self._touched.set()

    async def run(self) -> None:
        """Never returns; cancel it."""
        while True:
            await self._touched.wait()
            begun = time.monotonic()
            written = await self.write()
            await asyncio.sleep(max(PAUSE_S, SHARE * (time.monotonic() - begun)) if written else RETRY_S)

    async def write(self) -> bool:
        """Writes the file now, after whoever is just writing it, or was cancelled. Whether that went well."""
        async with self._pen:
            return await self._write()

    async def _write(self) -> bool:
        self._touched.clear()
        if (lines := self._lines()) is None:
            return True
        try:
            with Writer(self._path, self._origin) as file:
                for some in _slices(lines):
                    file.add(some)
                    await asyncio.sleep(0)
            self.octets = self._path.stat().st_size
        except OSError as error:
            self._touched.set()
            if not self._failed:
                log.warning(
                    "the state cannot be written: a restart will lose more", extra=fields(file=self._path, why=error)
                )
            self._failed = True
            return False
        self._failed = False
        self.written_at = time.time()
        return True


def _slices(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(lines)
    while some := list(islice(rest, SLICE)):
        yield some
