"""The Services that wait for an address to become free, oldest first. Pure; one owner."""

from bisect import bisect_left, bisect_right, insort

from controller.allocate import Awaited
from controller.ledger import Seniority
from herald.kube.objects import ObjectKey


class Waiting:
    """A sorted queue for each thing awaited; a Service stands in the queue of everything that would help it."""

    def __init__(self) -> None:
        self._queues: dict[Awaited, list[Seniority]] = {}
        self._places: dict[ObjectKey, tuple[Seniority, frozenset[Awaited]]] = {}

    def put(self, who: Seniority, awaits: frozenset[Awaited]) -> None:
        """From now on it waits for exactly these: with none, for nothing."""
        if self._places.get(who.key, (who, frozenset())) == (who, awaits):
            return
        was, before = self._places.pop(who.key, (who, frozenset()))
        for awaited in before:
            queue = self._queues[awaited]
            del queue[bisect_left(queue, was)]
            if not queue:
                del self._queues[awaited]
        for awaited in awaits:
            insort(self._queues.setdefault(awaited, []), who)
        if awaits:
            self._places[who.key] = who, awaits

    def next_after(self, awaited: Awaited, who: Seniority | None) -> Seniority | None:
        """The oldest in this queue that is younger than `who`; None when there is no other."""
        queue = self._queues.get(awaited, [])
        index = bisect_right(queue, who) if who else 0
        return queue[index] if index < len(queue) else None
