"""How long a session waits before its next ExaBGP process, by how the last ones ended. Pure.

The first new start is at once; a process that does not live is started ever less often. A peer that ended the session since
it had too many prefixes from us would do so again and again, each time with all routes gone at once: it is left alone for
minutes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from speaker.session import Endpoints

GOOD_LIFE_S: Final = 10.0
FIRST_PAUSE_S: Final = 0.25
PAUSE_LIMIT_S: Final = 2.0
TOO_MANY_PREFIXES: Final = (6, 1)
"""Cease / Maximum Number of Prefixes Reached (RFC 4486, section 4)."""
REFUSED_PAUSES_S: Final = (60.0, 120.0, 240.0, 300.0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often in a row the peer had too many prefixes; until when it is left alone, in seconds of the monotonic clock."""

    count: int
    until: float


class Refusals:
    """Of all sessions, by their ends: a new speaker leaves alone whom this one does. `on_change` is called with news."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._known: dict[Endpoints, Refusal] = {}

    @property
    def known(self) -> Mapping[Endpoints, Refusal]:
        return self._known

    def recall(self, known: Mapping[Endpoints, Refusal]) -> None:
        """What an earlier life knew."""
        self._known.update(known)

    def of(self, endpoints: Endpoints) -> Refusal:
        return self._known.get(endpoints, Refusal(0, float("-inf")))

    def note(self, endpoints: Endpoints, refusal: Refusal) -> None:
        before = self._known.pop(endpoints, None)
        if refusal.count:
            self._known[endpoints] = refusal
        if before is not None or refusal.count:
            self.on_change()


class Pauses:
    """Of one session. `refusals` is how often in a row it was refused before."""

    def __init__(self, refusals: int = 0) -> None:
        self._short_lives = 0
        self._refusals = refusals

    @property
    def refusals(self) -> int:
        return self._refusals

    @property
    def is_refused(self) -> bool:
        """Whether one attempt is enough for now."""
        return self._refusals > 0

    def after(self, lived_s: float, error: tuple[int, int] | None) -> float:
        """In seconds. `error` is that of the NOTIFICATION that ended the session, if there was one."""
        is_good = lived_s > GOOD_LIFE_S
        self._short_lives = 0 if is_good else self._short_lives + 1
        if error == TOO_MANY_PREFIXES or (self._refusals and not is_good):
            self._refusals += 1
        else:
            self._refusals = 0
        if self._refusals:
            return REFUSED_PAUSES_S[min(self._refusals, len(REFUSED_PAUSES_S)) - 1]
        if self._short_lives > 1:
            return min(PAUSE_LIMIT_S, FIRST_PAUSE_S * 2.0 ** min(self._short_lives - 2, 8))
        return 0.0
