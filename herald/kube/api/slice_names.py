"""Which EndpointSlices a Service has, by name. A slice belongs to one Service at a time, which may change. Pure."""

from collections.abc import Iterable

from herald.kube.objects import ObjectKey


class SliceNames:
    """Both ways: the names of each Service, the Service of each name."""

    def __init__(self) -> None:
        self._names: dict[ObjectKey, set[str]] = {}
        self._owners: dict[ObjectKey, ObjectKey] = {}

    def of(self, service: ObjectKey) -> Iterable[ObjectKey]:
        return [ObjectKey(service.namespace, name) for name in sorted(self._names.get(service, ()))]

    def put(self, key: ObjectKey, owner: ObjectKey | None) -> None:
        """It is `owner`'s and nobody else's any more."""
        if owner == self._owners.get(key):
            return
        self.drop(key)
        if owner:
            self._owners[key] = owner
            self._names.setdefault(owner, set()).add(key.name)

    def drop(self, key: ObjectKey) -> None:
        owner = self._owners.pop(key, None)
        if owner is None:
            return
        names = self._names[owner]
        names.discard(key.name)
        if not names:
            del self._names[owner]
