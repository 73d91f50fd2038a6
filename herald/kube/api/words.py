"""When a kind is Synced, Stale or Fresh, where several selections of objects make up one kind. Pure."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeAlias

from herald.kube.objects import Kind
from herald.kube.source import Change, Fresh, Stale, Synced

Part: TypeAlias = Hashable


class KindWords:
    """The words of one kind. It is Synced when every part has been listed once, and stale while any part is."""

    def __init__(self, kind: Kind, post: Callable[[Change], None], parts: Iterable[Part]) -> None:
        self._kind = kind
        self._post = post
        self._unlisted = set(parts)
        self._stale: set[Part] = set()
        self._synced = False

    @property
    def is_synced(self) -> bool:
        return self._synced

    def check(self) -> None:
        """Says Synced if it has become true."""
        if not self._synced and not self._unlisted:
            self._synced = True
            self._post(Synced(self._kind))

    def listed(self, part: Part) -> None:
        """All objects of this part have been said."""
        self._unlisted.discard(part)
        self.check()

    def fresh(self, part: Part) -> None:
        """The part is as the server has it."""
        if part in self._stale:
            self._stale.discard(part)
            if not self._stale:
                self._post(Fresh(self._kind))

    def stale(self, part: Part, why: str) -> None:
        """The part may lag behind. Said once until the kind is fresh again."""
        if not self._stale:
            self._post(Stale(self._kind, why))
        self._stale.add(part)

    def drop(self, part: Part) -> None:
        """The part is no longer wanted, whatever became of it."""
        self.listed(part)
        self.fresh(part)
