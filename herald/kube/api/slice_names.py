"""Which EndpointSlices a Service has, by name. A slice belongs to one Service at a time, which may change. Pure.

Made to hold the names of a whole cluster: a name is one string, for both directions, and nothing else is kept per slice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from herald.kube.objects import ObjectKey


@dataclass(slots=True, eq=False)
class _Owned:
    """What one Service has. A tuple, since that is a few: a set of four costs more than the names in it."""

    service: str
    names: tuple[str, ...] = ()


class SliceNames:
    """Both ways: the names of each Service, the Service of each name."""

    def __init__(self) -> None:
        self._services: dict[str, _Owned] = {}
        self._slices: dict[str, _Owned] = {}
        self._unheard: set[str] = set()

    def of(self, service: ObjectKey) -> Iterable[ObjectKey]:
        owned = self._services.get(str(service))
        return [ObjectKey(service.namespace, name.rpartition("/")[2]) for name in sorted(owned.names)] if owned else []

    def begin_list(self) -> None:
        """Whatever is not put before `end_list` is to be dropped then."""
        self._unheard = set(self._slices)

    def end_list(self) -> None:
        for name in self._unheard:
            self._drop(name)
        self._unheard = set()

    def put(self, key: ObjectKey, owner: ObjectKey | None) -> None:
        """It is `owner`'s and nobody else's any more."""
        name, service = str(key), str(owner) if owner else ""
        self._unheard.discard(name)
        before = self._slices.get(name)
        if before and before.service == service:
            return
        self._drop(name)
        if service:
            owned = self._services.setdefault(service, _Owned(service))
            owned.names = (*owned.names, name)
            self._slices[name] = owned

    def _drop(self, name: str) -> None:
        owned = self._slices.pop(name, None)
        if owned is None:
            return
        owned.names = tuple(other for other in owned.names if other != name)
        if not owned.names:
            del self._services[owned.service]
