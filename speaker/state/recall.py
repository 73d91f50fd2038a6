"""What an earlier life knew of the cluster, until its source has told of it. Pure: the time comes with each call.

It is the last good form of each object, no more: nothing is decided before every kind was listed, or for so long that the
speaker acts on it. Once a kind was listed, what was not heard of is gone; but configuration is given some time (rule 5), and
what the source cannot read may well be there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Change, Fresh, Gone, Stale, Synced, Upsert
from speaker.state.record import kind_of

WHY = "it was not listed since the speaker started: what is in force is what an earlier speaker knew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """Of a source.

    `hold_s`: how long configuration that vanished is kept. `withholds`: an object may exist, though it is not told of.
    """

    hold_s: float = 0.0
    withholds: Callable[[Kind, ObjectKey], bool] = lambda _kind, _key: False


class Recall:
    """One owner: the mailbox that all words of the source pass through."""

    def __init__(self, objects: Iterable[KubeObject], manners: Manners) -> None:
        self._unheard: dict[Kind, dict[ObjectKey, None]] = {}
        for thing in objects:
            self._unheard.setdefault(kind_of(thing), {})[thing.key] = None
        self._is_empty = not self._unheard
        self._manners = manners
        self._listed_at: dict[Kind, float] = {}
        self._assumed: set[Kind] = set()

    @property
    def is_pending(self) -> bool:
        """Whether something has not been heard of yet."""
        return bool(self._unheard)

    def heard(self, change: Change, now: float) -> list[Change]:
        """What else the source's word means, to be taken in after it."""
        match change:
            case Upsert(kind, key) | Gone(kind, key):
                self._unheard.get(kind, {}).pop(key, None)
                return []
            case Synced(kind):
                self._listed_at[kind] = now
                self._assumed.discard(kind)
                return [*self.lapsed(now), Fresh(kind)]
            case Stale() | Fresh():
                return []

    def lapsed(self, now: float) -> list[Change]:
        """What is gone: its kind was listed, long enough ago, and it was not heard of."""
        gone = [Gone(kind, key) for kind, key in self._lapsed(now)]
        for each in gone:
            del self._unheard[each.kind][each.key]
        for kind in [kind for kind, keys in self._unheard.items() if not keys]:
            del self._unheard[kind]
        return list(gone)

    def assume(self) -> list[Change]:
        """The source has taken too long: what is remembered counts for the kinds that it has not listed."""
        if self._is_empty:
            return []
        kinds = [kind for kind in Kind if kind not in self._listed_at and kind not in self._assumed]
        self._assumed.update(kinds)
        return [word for kind in kinds for word in (Synced(kind), Stale(kind, WHY))]

    def _lapsed(self, now: float) -> Iterator[tuple[Kind, ObjectKey]]:
        for kind, listed_at in self._listed_at.items():
            if now - listed_at >= (self._manners.hold_s if kind.is_config else 0.0):
                yield from ((kind, key) for key in self._unheard.get(kind, ()) if not self._manners.withholds(kind, key))
