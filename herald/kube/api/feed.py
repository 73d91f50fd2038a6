"""From what lists and watches bring to what the source says: decodes, names what cannot be decoded, tells changes. Pure.

One feed per selection of objects. A list is begun, fed and ended; only a list that is ended makes anything vanish.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

import msgspec

from herald.kube.api.decode import EventType, Head, UndecodableError, decode_object
from herald.kube.api.known import Known
from herald.kube.api.problems import ObjectProblem, Problems
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone, Upsert

Post: TypeAlias = Callable[[Upsert | Gone], None]


class Feed(Protocol):
    """What a reflector feeds. Times are of one monotonic clock."""

    @property
    def holds(self) -> bool:
        """Whether a deletion waits, so that it is not yet said all that is known."""

    def begin_list(self) -> None: ...

    def item(self, head: Head, raw: msgspec.Raw) -> None:
        """An object of the list."""

    def end_list(self, now: float) -> None:
        """What was not in the list does not exist."""

    def event(self, type_: EventType, head: Head, raw: msgspec.Raw, now: float) -> None:
        """ADDED, MODIFIED or DELETED. On a selection DELETED means "left it", and carries the old object."""

    def lost(self) -> None:
        """The objects can no longer be seen: what was about to count as deleted may not be."""


class ObjectFeed:
    """The feed of most kinds: every object of the selection is said."""

    def __init__(self, kind: Kind, post: Post, problems: Problems, hold_s: float = 0.0) -> None:
        self._kind = kind
        self._post = post
        self._problems = problems
        self._undecodable: set[ObjectKey] = set()
        self._listed: set[ObjectKey] = set()
        self.known = Known(kind, hold_s)

    @property
    def holds(self) -> bool:
        return self.known.holds

    def begin_list(self) -> None:
        self._listed = set()

    def item(self, head: Head, raw: msgspec.Raw) -> None:
        self._listed.add(head.key)
        self.upsert(head.key, raw)

    def end_list(self, now: float) -> None:
        for key in self._undecodable - self._listed:
            self._mended(key)
        self._say(self.known.keep_only(self._listed, now))
        self._listed = set()

    def event(self, type_: EventType, head: Head, raw: msgspec.Raw, now: float) -> None:
        if type_ is EventType.DELETED:
            self.delete(head.key, now)
        else:
            self.upsert(head.key, raw)

    def lost(self) -> None:
        self.known.forget_deletions()

    def upsert(self, key: ObjectKey, raw: msgspec.Raw) -> None:
        try:
            value = decode_object(self._kind, raw)
        except UndecodableError as error:
            self.known.exists(key)
            self._undecodable.add(key)
            self._problems.put(ObjectProblem(kind=self._kind, key=key, message=str(error)))
        else:
            self._mended(key)
            self._say(self.known.upsert(value))

    def delete(self, key: ObjectKey, now: float) -> None:
        self._mended(key)
        self._say(self.known.delete(key, now))

    def release(self, now: float) -> None:
        """Says the deletions that were held long enough."""
        self._say(self.known.release(now))

    def close(self) -> None:
        """The selection is no longer wanted: its objects are gone, for the reader."""
        self.lost()
        self.begin_list()
        self.end_list(0.0)

    def _mended(self, key: ObjectKey) -> None:
        if key in self._undecodable:
            self._undecodable.discard(key)
            self._problems.clear(self._kind, key)

    def _say(self, changes: Iterable[Upsert | Gone]) -> None:
        for change in changes:
            self._post(change)
