"""Says in the words of a source what changed in the contents: each object once per change of its meaning, never twice."""

from pathlib import Path

from bgp_config.status.drain import DrainStatus
from herald.kube.directory.contents import Contents
from herald.kube.directory.decode import ObjectId, named
from herald.kube.directory.drains import drain_key, subject, with_grants
from herald.kube.directory.problems import Problems, SourceProblem
from herald.kube.directory.status import StatusFile, with_status
from herald.kube.objects import ConfigManifest, Kind, KubeObject, Service
from herald.kube.requested import assigned_as_requested
from herald.kube.source import Changes, Gone, Upsert


class Report:
    """Remembers what was said. `has_statuses`: a Service's VIPs come from its status file, else from its own request."""

    def __init__(self, contents: Contents, problems: Problems, changes: Changes, *, has_statuses: bool) -> None:
        self._contents = contents
        self._problems = problems
        self._changes = changes
        self._has_statuses = has_statuses
        self._said: dict[ObjectId, KubeObject] = {}

    def say(self) -> None:
        """Posts what differs from what was said last."""
        dirty = self._contents.objects.take_dirty()
        for identity in dirty:
            self._name_rivals(identity, self._contents.objects.holders(identity))
        for identity in dirty | {subject(key) for key in self._contents.statuses.take_dirty()}:
            self._say(identity, self._now(identity))

    def _now(self, identity: ObjectId) -> KubeObject | None:
        match self._contents.objects.counting(identity):
            case Service() as service if self._has_statuses:
                status = self._contents.statuses.counting(service.key)
                return with_status(service, status if isinstance(status, StatusFile) else None)
            case Service() as service:
                return assigned_as_requested(service)
            case ConfigManifest(kind=Kind.DRAIN) as drain:
                status = self._contents.statuses.counting(drain_key(drain.metadata.name))
                return with_grants(drain, status if isinstance(status, DrainStatus) else None)
            case value:
                return value

    def _say(self, identity: ObjectId, value: KubeObject | None) -> None:
        kind, key = identity
        before = self._said.get(identity)
        if value is None:
            if before is not None:
                del self._said[identity]
                self._changes.post(Gone(kind, key))
        elif value != before:
            self._said[identity] = value
            self._changes.post(Upsert(kind, key, value))

    def _name_rivals(self, identity: ObjectId, holders: list[Path]) -> None:
        hint = f"the one in {holders[0]} counts: remove one of them" if holders else ""
        message = f"{named(identity)} is defined in {len(holders)} files"
        self._problems.put(identity, (SourceProblem(path=path, message=message, hint=hint) for path in holders[1:]))
