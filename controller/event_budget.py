"""How many Events may be said: some at once, then so many a second. Pure; times are of one monotonic clock."""

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """A token bucket (RFC 2697, one rate)."""

    burst: int = 25
    per_second: float = 5.0
    _left: float = -1.0
    _at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may be said now; then it is counted."""
        left = float(self.burst) if self._left < 0 else self._left + (now - self._at) * self.per_second
        self._left, self._at = min(left, float(self.burst)), now
        if self._left < 1:
            return False
        self._left -= 1
        return True
