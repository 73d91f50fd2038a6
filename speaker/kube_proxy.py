"""What is known of the rules that kube-proxy has written, from what it answers. Pure: times come with the answers.

kube-proxy says when it last completed a sync, not when that sync began, nor whether another is due. So a change is known
to be in the rules by one of three signs:

- two syncs were completed after it: the second one began after the first. (The first alone may have begun before.)
- none was completed for QUIET_S, in all of which it answered: by then it has no more to write. It pauses for a second
  after each sync (minSyncPeriod), so a change that came during one is in the rules 1 s and a sync later.
- the health check of a Local Service turned from 503 to 200: a local endpoint has come into the rules.

A kube-proxy that hangs answers nothing, so it proves nothing; nor does it for the time before its first answer after that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bgp_config.names import Family, IPAddress

QUIET_S = 1.5
BREAK_S = 0.6
"""Two answers that are further apart say nothing about the time between."""
PROOF = 2
"""So many completed syncs."""


class HealthCheck(NamedTuple):
    """Where kube-proxy answers for a Service with externalTrafficPolicy Local: a node address and healthCheckNodePort."""

    address: IPAddress
    port: int


@dataclass(frozen=True, slots=True)
class Sync:
    """The last completed sync of one family: the time as kube-proxy writes it, and how long ago that was for it."""

    last_updated: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One round of questions. Times are of one monotonic clock; `health` has what was asked and answered."""

    asked_at: float
    at: float
    syncs: Mapping[Family, Sync] = field(default_factory=dict)
    health: Mapping[HealthCheck, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """Of one family. `completed_after`: moments after which the last syncs were completed, the oldest first."""

    sync: Sync
    heard_at: float
    quiet_since: float
    completed_after: tuple[float, ...] = ()

    def include(self, change_at: float) -> bool:
        """Whether a change that was seen at this time is in the rules."""
        completed = self.completed_after
        proven = len(completed) == PROOF and completed[0] >= change_at
        return proven or self.heard_at - max(self.quiet_since, change_at) >= QUIET_S

    def are_complete(self, since: float) -> bool:
        """Whether kube-proxy has all that has been there for long. At its start it has not: it waits for its first lists."""
        completed = self.completed_after
        return self.heard_at >= since and (self.sync.age_s >= QUIET_S or bool(completed and completed[-1] >= since))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the rules must have for a VIP to be announced. Times are those of the speaker's first sight.

    None: unchanged for long, as is everything when the speaker starts.
    """

    since: float
    family: Family
    service_changed: float | None = None
    endpoints_changed: float | None = None
    health_check: HealthCheck | None = None


class KubeProxyKnowledge:
    """One owner: who asks kube-proxy tells it here; a round without an answer is told too."""

    def __init__(self) -> None:
        self._rules: dict[Family, _Rules] = {}
        self._asked_at = float("-inf")
        self._ready_at: dict[HealthCheck, float] = {}
        self._unready_at: dict[HealthCheck, float] = {}

    @property
    def syncs(self) -> Mapping[Family, Sync]:
        """As last heard; empty if the last question found no answer."""
        return {family: rules.sync for family, rules in self._rules.items()}

    def heard(self, answer: Answer | None) -> None:
        """None: there was no answer in time."""
        if answer is None:
            self._rules = {}
            return
        if answer.asked_at - self._asked_at > BREAK_S:
            self._rules = {}
            self._ready_at, self._unready_at = {}, {}
        self._rules = {family: self._follow(family, sync, answer) for family, sync in answer.syncs.items()}
        self._asked_at = answer.asked_at
        for check, ready in answer.health.items():
            (self._ready_at if ready else self._unready_at)[check] = answer.asked_at

    def has(self, wanted: Wanted) -> bool:
        """Whether the rules are known to have it."""
        rules = self._rules.get(wanted.family)
        if rules is None:
            return False
        if wanted.service_changed is not None and not rules.include(wanted.service_changed):
            return False
        if wanted.endpoints_changed is not None:
            return self._has_endpoints(wanted.endpoints_changed, wanted.health_check, rules)
        return wanted.service_changed is not None or rules.are_complete(wanted.since)

    def _has_endpoints(self, changed_at: float, check: HealthCheck | None, rules: _Rules) -> bool:
        ready = self._ready_at.get(check, float("-inf")) if check else float("-inf")
        unready = self._unready_at.get(check, float("-inf")) if check else float("-inf")
        if ready > unready >= changed_at:
            return True
        return unready <= ready and rules.include(changed_at)

    def _follow(self, family: Family, sync: Sync, answer: Answer) -> _Rules:
        before = self._rules.get(family)
        if before is None:
            return _Rules(sync=sync, heard_at=answer.asked_at, quiet_since=answer.at)
        if before.sync.last_updated == sync.last_updated:
            return _Rules(
                sync=sync,
                heard_at=answer.asked_at,
                quiet_since=before.quiet_since,
                completed_after=before.completed_after,
            )
        completed = (*before.completed_after, self._asked_at)[-PROOF:]
        return _Rules(sync=sync, heard_at=answer.asked_at, quiet_since=answer.at, completed_after=completed)
