"""How long what comes and goes has to wait before it counts again: the longer, the oftener it went. Pure.

Each fall raises the level, each quiet minute lowers it. The history is bounded: what is quiet for long enough is forgotten.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

HOLD_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""How long the return from the first, second, ... fall within some minutes waits."""
QUIET_S = 60.0
"""A level is lost after so long without a fall."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _History:
    """`level` is as it was at `since`, the last fall."""

    level: int
    since: float

    def at(self, now: float) -> int:
        return max(0, self.level - int((now - self.since) / QUIET_S))


class HoldDown(Generic[Key]):
    """Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._histories: dict[Key, _History] = {}
        self._forgot_at = float("-inf")

    def fell(self, key: Key, now: float) -> None:
        history = self._histories.get(key)
        level = min(history.at(now) if history else 0, len(HOLD_S) - 1) + 1
        self._histories[key] = _History(level, now)

    def hold_s(self, key: Key, now: float) -> float:
        """How long its return waits, if that begins now."""
        history = self._histories.get(key)
        return HOLD_S[history.at(now) - 1] if history and history.at(now) else 0.0

    def forget_quiet(self, now: float) -> None:
        """What has been quiet for long enough; looked for every now and then."""
        if now - self._forgot_at >= QUIET_S:
            self._forgot_at = now
            self._histories = {key: history for key, history in self._histories.items() if history.at(now)}

    @property
    def levels(self) -> Mapping[Key, tuple[int, float]]:
        """The level of each at its last fall, and when that was: all that is remembered."""
        return {key: (history.level, history.since) for key, history in self._histories.items()}

    def recall(self, levels: Mapping[Key, tuple[int, float]]) -> None:
        """What `levels` told in an earlier life."""
        self._histories.update((key, _History(level, since)) for key, (level, since) in levels.items())

    @property
    def size(self) -> int:
        """How many have a history."""
        return len(self._histories)
