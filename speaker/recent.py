"""What changed lately of that which the data path makes rules from, by Service. Pure: the time comes with each change.

Only content counts: a label or an annotation is no rule. Memory is bounded by the changes of MEMORY_S.
"""

from dataclasses import dataclass

from herald.kube.objects import EndpointSlice, Kind, ObjectKey, Service
from herald.kube.source import Change, Gone, Upsert
from speaker.cluster import Cluster

MEMORY_S = 5.0
"""What is older counts as long known: whatever makes rules has had so much time for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """When each was last seen to change; None: not lately."""

    service: float | None = None
    endpoints: float | None = None

    @property
    def last(self) -> float:
        return max(self.service or 0.0, self.endpoints or 0.0)


class RecentChanges:
    """One owner: the daemon's loop."""

    def __init__(self) -> None:
        self._changed: dict[ObjectKey, Changed] = {}  # in the order of their last change

    def note(self, change: Change, before: Cluster, now: float) -> None:
        """`before` is the cluster without the change. What comes before everything was listed once is not new."""
        if not before.synced:
            return
        match change:
            case Upsert(object=Service() as service):
                if (known := before.services.get(service.key)) is None or _rules(known) != _rules(service):
                    self._put(service.key, Changed(service=now, endpoints=self._known(service.key).endpoints), now)
            case Upsert(object=EndpointSlice() as endpoints):
                self._note_slice(endpoints.key, endpoints, before, now)
            case Gone(kind=Kind.ENDPOINT_SLICE):
                self._note_slice(change.key, None, before, now)
            case _:
                pass

    def of(self, service: ObjectKey, now: float) -> Changed:
        known = self._known(service)
        return Changed(service=_recent(known.service, now), endpoints=_recent(known.endpoints, now))

    def _note_slice(self, key: ObjectKey, after: EndpointSlice | None, cluster: Cluster, now: float) -> None:
        old = cluster.slice(key)
        if old and after and _endpoints(old) == _endpoints(after):
            return
        for owner in {each.service_key for each in (old, after) if each and each.service_key}:
            if owner:
                self._put(owner, Changed(service=self._known(owner).service, endpoints=now), now)

    def _known(self, service: ObjectKey) -> Changed:
        return self._changed.get(service, Changed())

    def _put(self, service: ObjectKey, changed: Changed, now: float) -> None:
        self._changed.pop(service, None)
        self._changed[service] = changed
        while self._changed[oldest := next(iter(self._changed))].last < now - MEMORY_S:
            del self._changed[oldest]


def _recent(at: float | None, now: float) -> float | None:
    return at if at is not None and at >= now - MEMORY_S else None


def _rules(service: Service) -> object:
    """The part of a Service that rules are made of, as far as Herald reads it."""
    return service.spec, service.vips


def _endpoints(endpoints: EndpointSlice) -> object:
    return endpoints.service_key, endpoints.address_type, endpoints.endpoints
