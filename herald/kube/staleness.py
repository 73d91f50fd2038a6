"""Since when each kind may lag behind, by the words of a source. Pure: the time comes with the changes."""

from collections.abc import Iterable, Mapping

from herald.kube.objects import Kind
from herald.kube.source import Change, Fresh, Stale


class Staleness:
    """One owner: the loop that takes the changes."""

    def __init__(self) -> None:
        self._since: dict[Kind, float] = {}
        self._recalled: dict[Kind, float] = {}

    def recall(self, since: Mapping[Kind, float]) -> None:
        """What an earlier life of the program said: a kind that is stale from the start has been since then."""
        self._recalled = dict(since)

    @property
    def since(self) -> Mapping[Kind, float]:
        """The kinds that are stale now."""
        return self._since

    def heard(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            match change:
                case Stale(kind):
                    self._since.setdefault(kind, self._recalled.pop(kind, now))
                case Fresh(kind):
                    self._since.pop(kind, None)
                    self._recalled.pop(kind, None)
                case _:
                    pass
