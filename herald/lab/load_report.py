"""What a client load saw: one result per request, and what can be counted from them.

Pure. A connection that could not be made, or got an answer other than 200, has failed; one that was established and then
broke was reset. The two are never mixed: the first is a user who gets no service, the second one who loses it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    ANSWERED = "answered"
    FAILED = "failed"
    RESET = "reset"


class Connection(StrEnum):
    """A request's own new connection, or one that is held open for many requests."""

    NEW = "new"
    HELD = "held"


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. `at`: time.monotonic() when it was begun; `node` answered it, or `why` it was not answered."""

    at: float
    took_s: float
    vip: str
    outcome: Outcome
    connection: Connection = Connection.NEW
    node: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """In the order in which the requests ended."""

    results: tuple[Result, ...]

    @classmethod
    def parse(cls, lines: Iterable[bytes]) -> "LoadReport":
        """From the load's output, one JSON object a line."""
        return cls(tuple(msgspec.json.decode(line, type=Result) for line in lines))

    @property
    def requests(self) -> int:
        return len(self.results)

    @property
    def failed(self) -> int:
        return self._count(Outcome.FAILED)

    @property
    def reset(self) -> int:
        return self._count(Outcome.RESET)

    @property
    def by_node(self) -> Mapping[str, int]:
        """How many requests each node answered."""
        return Counter(result.node for result in self.results if result.outcome is Outcome.ANSWERED)

    @property
    def failures(self) -> tuple[Result, ...]:
        """Everything that was not answered."""
        return tuple(result for result in self.results if result.outcome is not Outcome.ANSWERED)

    @property
    def outage_s(self) -> float:
        """From the first to the last of the new connections that failed, as they were begun."""
        begun = [result.at for result in self.results if result.outcome is Outcome.FAILED]
        return max(begun) - min(begun) if begun else 0.0

    def between(self, start: float, end: float) -> "LoadReport":
        """Only the requests begun from `start` until before `end`, in time.monotonic()."""
        return LoadReport(tuple(result for result in self.results if start <= result.at < end))

    def to(self, vip: object) -> "LoadReport":
        """Only the requests to this VIP."""
        return LoadReport(tuple(result for result in self.results if result.vip == str(vip)))

    def _count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)
