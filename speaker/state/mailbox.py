"""The mailbox between a source and the speaker, where the source's words meet what an earlier life knew."""

import asyncio
import time
from typing import Final

from herald.kube.source import Change, Changes
from speaker.state.recall import Recall

LOOK_S: Final = 0.5


class RecallingChanges(Changes):
    """`settle` is a task beside the source's own."""

    def __init__(self, recall: Recall) -> None:
        super().__init__()
        self._recall = recall

    def post(self, change: Change) -> None:
        super().post(change)
        for more in self._recall.heard(change, time.monotonic()):
            super().post(more)

    async def settle(self, sync_timeout_s: float) -> None:
        """Until the source has told of everything: what is gone in time, and what it means that the source takes long."""
        deadline = time.monotonic() + sync_timeout_s
        waits = True
        while waits or self._recall.is_pending:
            now = time.monotonic()
            if waits and now >= deadline:
                waits = False
                self._post_all(self._recall.assume())
            self._post_all(self._recall.lapsed(now))
            await asyncio.sleep(min(LOOK_S, max(0.0, deadline - now)) or LOOK_S)

    def _post_all(self, changes: list[Change]) -> None:
        for change in changes:
            super().post(change)
