"""The last changes of what this node announces, for people. No I/O.

Bounded: the last MEMORY of all VIPs together, whatever their rate. Nothing that is decided depends on it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from herald.kube.objects import ObjectKey
from speaker.transition import Transition

MEMORY = 1000


@dataclass(frozen=True, slots=True)
class Happened:
    """When (monotonic seconds), and what."""

    at: float
    transition: Transition


class History:
    """One owner: the daemon's loop."""

    def __init__(self) -> None:
        self._happened: deque[Happened] = deque(maxlen=MEMORY)

    def decided(self, transitions: Iterable[Transition], now: float) -> None:
        self._happened.extend(Happened(now, transition) for transition in transitions)

    def of(self, service: ObjectKey) -> Iterator[Happened]:
        """Oldest first."""
        return (each for each in self._happened if each.transition.service == service)
