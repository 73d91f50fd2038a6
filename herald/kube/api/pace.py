"""All times of the API source, in seconds, in one place; and how it backs off."""

import random
from dataclasses import dataclass

HOLD_S = 10.0
"""A deletion of a configuration object counts after so long (DESIGN.md, rule 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient the source is. Every wait is jittered, so that a thousand speakers do not come back at once."""

    hold_s: float = HOLD_S
    release_s: float = 0.2
    """How often held deletions are looked at."""
    retry_first_s: float = 0.25
    retry_last_s: float = 8.0
    """What fails is tried again after the first, doubled each time up to the last."""
    unserved_s: float = 4.0
    """How often a kind is looked for that is not served, and has to be."""
    unserved_optional_s: float = 30.0
    """The same for a kind that need not be served."""
    watch_s: float = 150.0
    """The server is asked to end a watch after once to twice this time, so that connections spread anew."""
    overdue_s: float = 30.0
    """A watch that the server has not ended so long after that is dead. Not every server sends bookmarks in every watch."""
    lived_s: float = 5.0
    """A watch that lasted so long, or brought something, was no failure."""
    pulse_s: float = 8.0
    pulse_again_s: float = 1.0
    pulse_answer_s: float = 5.0
    """How often the server is asked for a sign of life, how soon again if it gives none, and how long it may take. Without
    one twice in a row all connections are given up: after 19 s at most, and 5 s later nobody can make a new one."""

    def retry_after(self, failures: int) -> float:
        """The wait after so many failures in a row."""
        return jittered(min(self.retry_last_s, self.retry_first_s * 2 ** min(failures, 16)))


def jittered(seconds: float) -> float:
    """Half of it to all of it."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 -- not for secrets


USUAL = Pace()
