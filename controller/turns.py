"""When a loop that follows the plan has its next turn: soon after a change, with those that come at the same time, and every
now and then without one.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

LOOK_S = 1.0
"""How long a turn waits for a change."""


@dataclass(frozen=True, slots=True)
class Turns:
    """`settle_s`: what changes within this time is looked at together."""

    settle_s: float
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Something has changed."""
        self._changed.set()

    async def next(self) -> None:
        """Returns when it is time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._changed.wait()
        await asyncio.sleep(self.settle_s)
        self._changed.clear()
