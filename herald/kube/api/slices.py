"""The feed of EndpointSlices: only those of claimed Services are said and kept, of the others nothing but the name. Pure.

A cluster has many more slices than load balancers: 20,000 names cost four megabytes, 20,000 slices a hundred. The price
is that the slices of a Service claimed later have to be fetched, if it has any yet; a new Service has none, and gets
them by the watch. A fetch is behind or ahead of the watch: of two states of one object the newer counts, by
resourceVersion (KEP-5504), also when the newer one is that it is deleted or another Service's.
"""

from collections.abc import Callable, Iterable

import msgspec

from herald.kube.api.decode import EventType, Head
from herald.kube.api.feed import ObjectFeed, Post
from herald.kube.api.problems import Problems
from herald.kube.api.slice_names import SliceNames
from herald.kube.objects import EndpointSlice, Kind, ObjectKey


class Fetch:
    """One wish to fetch the slices of a Service. Compared by identity: a later wish for the same one is another."""

    def __init__(self, service: ObjectKey) -> None:
        self.service = service


class SliceFeed:
    """A Feed. `wanted` are the fetches to be made, the answer of each goes to `fetched`; `wake` tells of new ones."""

    def __init__(self, post: Post, problems: Problems, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._objects = ObjectFeed(Kind.ENDPOINT_SLICE, post, problems)
        self._claimed: set[ObjectKey] = set()
        self._names = SliceNames()
        self._claimed_meanwhile: set[ObjectKey] | None = None  # since the list under way began; None without one
        self._left: dict[ObjectKey, int] = {}
        self.wanted: dict[ObjectKey, Fetch] = {}

    @property
    def holds(self) -> bool:
        return self._objects.holds

    @property
    def is_listing(self) -> bool:
        return self._claimed_meanwhile is not None

    def claim(self, service: ObjectKey) -> None:
        """From now on the slices of the Service are said."""
        if service in self._claimed:
            return
        self._claimed.add(service)
        if self._claimed_meanwhile is None:
            self._want(service)
        else:
            self._claimed_meanwhile.add(service)

    def unclaim(self, service: ObjectKey) -> None:
        """The slices of a Service that is none of ours any more: gone, for the reader."""
        self._claimed.discard(service)
        self._drop_wish(service)
        for key in self._names.of(service):
            self._objects.delete(key, 0.0)

    def fetched(self, fetch: Fetch, items: Iterable[tuple[Head, msgspec.Raw]]) -> None:
        """All slices of a Service at some moment. Too late if the Service was unclaimed or a list begun meanwhile."""
        if self.wanted.get(fetch.service) is not fetch:
            return
        for head, raw in items:
            if _version(head.resource_version) > max(self._held_version(head.key), self._left.get(head.key, 0)):
                self._names.put(head.key, head.service)
                self._objects.upsert(head.key, raw)
        self._drop_wish(fetch.service)

    def begin_list(self) -> None:
        """It will tell of all that is claimed now; of what is claimed while it goes on perhaps not."""
        self._objects.begin_list()
        self._names.begin_list()
        self._claimed_meanwhile = set()
        self.wanted.clear()
        self._left.clear()

    def item(self, head: Head, raw: msgspec.Raw) -> None:
        self._names.put(head.key, head.service)
        if head.service in self._claimed:
            self._objects.item(head, raw)
        else:  # it may have been handed over by a claimed Service
            self._objects.delete(head.key, 0.0)

    def end_list(self, now: float) -> None:
        self._objects.end_list(now)
        self._names.end_list()
        claimed, self._claimed_meanwhile = self._claimed_meanwhile or set(), None
        for service in claimed & self._claimed:
            self._want(service)
        self._wake()

    def event(self, type_: EventType, head: Head, raw: msgspec.Raw, now: float) -> None:
        version = _version(head.resource_version)
        if version < self._held_version(head.key):
            return  # the watch is behind a fetch
        owner = None if type_ is EventType.DELETED else head.service
        self._names.put(head.key, owner)
        if owner in self._claimed:
            self._objects.upsert(head.key, raw)
            return
        if self.wanted:
            self._left[head.key] = version
        self._objects.delete(head.key, now)

    def lost(self) -> None:
        self._objects.lost()

    def _want(self, service: ObjectKey) -> None:
        if any(key not in self._objects.known.objects for key in self._names.of(service)):
            self.wanted[service] = Fetch(service)
            self._wake()

    def _drop_wish(self, service: ObjectKey) -> None:
        self.wanted.pop(service, None)
        if not self.wanted:
            self._left.clear()

    def _held_version(self, key: ObjectKey) -> int:
        held = self._objects.known.objects.get(key)
        return _version(held.metadata.resource_version) if isinstance(held, EndpointSlice) else 0


def _version(resource_version: str) -> int:
    return int(resource_version) if resource_version.isdecimal() else 0
