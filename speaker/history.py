"""What happened lately that people ask about: since when a kind is stale, and the last changes of each VIP. No I/O.

Bounded: of changes the last MEMORY of this node, whatever their rate. Nothing that is decided depends on it.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Change, Fresh, Stale
from speaker.core import Transition

MEMORY = 1000


@dataclass(frozen=True, slots=True)
class Happened:
    """When (monotonic seconds), and what."""

    at: float
    transition: Transition


class History:
    """One owner: the daemon's loop."""

    def __init__(self) -> None:
        self._stale_since: dict[Kind, float] = {}
        self._happened: deque[Happened] = deque(maxlen=MEMORY)

    @property
    def stale_since(self) -> Mapping[Kind, float]:
        """The kinds that may lag behind, in monotonic seconds."""
        return self._stale_since

    def heard(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            match change:
                case Stale(kind):
                    self._stale_since.setdefault(kind, now)
                case Fresh(kind):
                    self._stale_since.pop(kind, None)
                case _:
                    pass

    def decided(self, transitions: Iterable[Transition], now: float) -> None:
        self._happened.extend(Happened(now, transition) for transition in transitions)

    def of(self, service: ObjectKey) -> Iterator[Happened]:
        """Oldest first."""
        return (each for each in self._happened if each.transition.service == service)
