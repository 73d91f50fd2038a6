"""The feed of EndpointSlices: only those of claimed Services are said and kept, of the others nothing but the name. Pure.

A cluster has many more slices than load balancers: 20,000 names cost a few megabytes, 20,000 slices a hundred. The price
is that the slices of a Service claimed later have to be fetched, if it has any yet; a new Service has none, and gets
them by the watch. A fetch is behind or ahead of the watch: of two states of one object the newer counts, by
resourceVersion (KEP-5504), also when the newer one is that it is deleted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from herald.kube.api.decode import EventType, Head
from herald.kube.api.feed import ObjectFeed, Post
from herald.kube.api.problems import Problems
from herald.kube.objects import EndpointSlice, Kind, ObjectKey


class Fetch:
    """One wish to fetch the slices of a Service. Compared by identity: a later wish for the same one is another."""

    def __init__(self, service: ObjectKey) -> None:
        self.service = service


@dataclass(slots=True)
class _Listing:
    """A list under way: the names that it has told of, and what has been claimed since it began."""

    names: dict[ObjectKey, set[str]] = field(default_factory=dict)
    claimed: set[ObjectKey] = field(default_factory=set)


class SliceFeed:
    """A Feed. `wanted` are the fetches to be made, the answer of each goes to `fetched`; `wake` tells of new ones."""

    def __init__(self, post: Post, problems: Problems, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._objects = ObjectFeed(Kind.ENDPOINT_SLICE, post, problems)
        self._claimed: set[ObjectKey] = set()
        self._names: dict[ObjectKey, set[str]] = {}
        self._listing: _Listing | None = None
        self._deleted: dict[ObjectKey, int] = {}
        self.wanted: dict[ObjectKey, Fetch] = {}

    @property
    def holds(self) -> bool:
        return self._objects.holds

    @property
    def is_listing(self) -> bool:
        return self._listing is not None

    def claim(self, service: ObjectKey) -> None:
        """From now on the slices of the Service are said."""
        if service in self._claimed:
            return
        self._claimed.add(service)
        if self._listing:
            self._listing.claimed.add(service)
        else:
            self._want(service)

    def unclaim(self, service: ObjectKey) -> None:
        """The slices of a Service that is none of ours any more: gone, for the reader."""
        self._claimed.discard(service)
        self._drop_wish(service)
        for name in sorted(self._names.get(service, ())):
            self._objects.delete(ObjectKey(service.namespace, name), 0.0)

    def fetched(self, fetch: Fetch, items: Iterable[tuple[Head, msgspec.Raw]]) -> None:
        """All slices of a Service at some moment. Too late if the Service was unclaimed or a list begun meanwhile."""
        if self.wanted.get(fetch.service) is not fetch:
            return
        for head, raw in items:
            if _version(head.resource_version) > max(self._held_version(head.key), self._deleted.get(head.key, 0)):
                self._record(head)
                self._upsert(head, raw)
        self._drop_wish(fetch.service)

    def begin_list(self) -> None:
        """It will tell of all that is claimed now; of what is claimed while it goes on perhaps not."""
        self._objects.begin_list()
        self._listing = _Listing()
        self.wanted.clear()
        self._deleted.clear()

    def item(self, head: Head, raw: msgspec.Raw) -> None:
        self._record(head)
        if self._says(head):
            self._objects.item(head, raw)

    def end_list(self, now: float) -> None:
        self._objects.end_list(now)
        if self._listing:
            listing, self._listing = self._listing, None
            self._names = listing.names
            for service in listing.claimed & self._claimed:
                self._want(service)
        self._wake()

    def event(self, type_: EventType, head: Head, raw: msgspec.Raw, now: float) -> None:
        version = _version(head.resource_version)
        if version < self._held_version(head.key):
            return  # the watch is behind a fetch
        if type_ is EventType.DELETED:
            self._forget(head)
            if self.wanted:
                self._deleted[head.key] = version
            self._objects.delete(head.key, now)
        else:
            self._record(head)
            self._upsert(head, raw)

    def lost(self) -> None:
        self._objects.lost()

    def _upsert(self, head: Head, raw: msgspec.Raw) -> None:
        if self._says(head):
            self._objects.upsert(head.key, raw)
        else:  # it may have been handed over by a claimed Service
            self._objects.delete(head.key, 0.0)

    def _says(self, head: Head) -> bool:
        return head.service in self._claimed

    def _want(self, service: ObjectKey) -> None:
        names = self._names.get(service, set())
        if any(ObjectKey(service.namespace, name) not in self._objects.known.objects for name in names):
            self.wanted[service] = Fetch(service)
            self._wake()

    def _drop_wish(self, service: ObjectKey) -> None:
        self.wanted.pop(service, None)
        if not self.wanted:
            self._deleted.clear()

    def _record(self, head: Head) -> None:
        if head.service:
            self._names.setdefault(head.service, set()).add(head.key.name)
            if self._listing:
                self._listing.names.setdefault(head.service, set()).add(head.key.name)

    def _forget(self, head: Head) -> None:
        if head.service and (names := self._names.get(head.service)):
            names.discard(head.key.name)
            if not names:
                del self._names[head.service]

    def _held_version(self, key: ObjectKey) -> int:
        held = self._objects.known.objects.get(key)
        return _version(held.metadata.resource_version) if isinstance(held, EndpointSlice) else 0


def _version(resource_version: str) -> int:
    return int(resource_version) if resource_version.isdecimal() else 0
