"""What a source has said about the objects of one selection, and so what it has to say next. Pure.

An object is said once per change of its meaning. Deletions may be held for a while (DESIGN.md, rule 5): an object that is
back in time was never gone.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from herald.kube.objects import Kind, KubeObject, ObjectKey, Service
from herald.kube.source import Gone, Upsert


class Known:
    """`hold_s` is how long a deletion waits; 0 is not at all. Times are of one monotonic clock."""

    def __init__(self, kind: Kind, hold_s: float = 0.0) -> None:
        self._kind = kind
        self._hold_s = hold_s
        self._objects: dict[ObjectKey, KubeObject] = {}
        self._held: dict[ObjectKey, float] = {}

    @property
    def objects(self) -> Mapping[ObjectKey, KubeObject]:
        """As they were said, those whose deletion is held included."""
        return MappingProxyType(self._objects)

    @property
    def holds(self) -> bool:
        """Whether a deletion waits."""
        return bool(self._held)

    def exists(self, key: ObjectKey) -> None:
        """It does, whatever it says: its deletion is no longer held."""
        self._held.pop(key, None)

    def upsert(self, value: KubeObject) -> list[Upsert]:
        """The object exists and this is its state; nothing to say if that means what it meant."""
        self.exists(value.key)
        before = self._objects.get(value.key)
        self._objects[value.key] = value
        if before is not None and _meaning(before) == _meaning(value):
            return []
        return [Upsert(self._kind, value.key, value)]

    def delete(self, key: ObjectKey, now: float) -> list[Gone]:
        """The object does not exist; nothing to say if it was not known, or while that is held."""
        if key not in self._objects:
            return []
        if self._hold_s:
            self._held.setdefault(key, now + self._hold_s)
            return []
        del self._objects[key]
        return [Gone(self._kind, key)]

    def keep_only(self, listed: Iterable[ObjectKey], now: float) -> list[Gone]:
        """A whole list has been read, and these were all its objects."""
        vanished = self._objects.keys() - set(listed)
        return [gone for key in sorted(vanished) for gone in self.delete(key, now)]

    def release(self, now: float) -> list[Gone]:
        """The deletions that have been held long enough."""
        due = [key for key, at in self._held.items() if at <= now]
        for key in due:
            del self._held[key], self._objects[key]
        return [Gone(self._kind, key) for key in due]

    def forget_deletions(self) -> None:
        """What was held shall not count: the next list says whether the objects exist."""
        self._held.clear()


def _meaning(value: KubeObject) -> KubeObject:
    """Without the resourceVersion, which also moves when others write what Herald does not read.

    That of a Service counts: the controller writes to it on the condition that nobody has since.
    """
    if isinstance(value, Service):
        return value
    return msgspec.structs.replace(value, metadata=msgspec.structs.replace(value.metadata, resource_version=""))
