"""Keeps both files as the speaker is now, as long as it runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from speaker.core import Core
from speaker.state.file import Origin
from speaker.state.folder import PASSWORDS, STATE
from speaker.state.memory import Memory
from speaker.state.record import Part
from speaker.state.scribe import Scribe


class Chronicle:
    """Written when `touch` is called, in its own time."""

    def __init__(self, directory: Path, origin: Origin, core: Core, memory: Memory, parts: Sequence[Part]) -> None:
        self.state = Scribe(directory / STATE, origin, lambda: memory.state(core, parts))
        self._passwords = Scribe(directory / PASSWORDS, origin, lambda: memory.passwords(core))
        memory.on_change = self.touch

    def touch(self) -> None:
        self.state.touch()
        self._passwords.touch()

    async def run(self) -> None:
        """Never returns; cancel it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.state.run())
            tasks.create_task(self._passwords.run())

    async def close(self) -> None:
        """The last word, after `run` was cancelled."""
        await self.state.write()
        await self._passwords.write()
