"""Whether this controller may lead, by what it sees of the Lease and by its own monotonic clock. Pure.

The times of day in a Lease are for people: clocks of two machines differ, and are set. What counts is for how long a
candidate has seen no change, and how long ago the leader asked for the renewal that was granted last.

Invariants: a leader stops `deadline_s` after it asked for its last renewal, whatever it hears or does not hear; nobody
takes a Lease that is held before having seen it unchanged for the longer `duration_s`. A Lease that carries our own name
is not ours, unless this very life took it: another process may have the name.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil, inf

from herald.kube.api import LeaseSpec
from herald.kube.api.lease import micro_time


@dataclass(frozen=True, slots=True)
class Terms:
    """`duration_s` is what a candidate waits for a leader that has fallen silent, after which it leads."""

    duration_s: float = 15.0

    @property
    def deadline_s(self) -> float:
        """A third shorter: that is how much slower the leader's clock may run."""
        return self.duration_s * 2 / 3

    @property
    def renew_s(self) -> float:
        """How often the leader renews, and a candidate looks. Four of the leader's tries may fail."""
        return self.duration_s * 2 / 15

    @property
    def call_s(self) -> float:
        """For so long an answer is waited for."""
        return self.duration_s * 4 / 15


class Candidate:
    """One controller's view of the Lease. Times are of one monotonic clock, but for `time_of_day`."""

    def __init__(self, identity: str, terms: Terms) -> None:
        self.identity = identity
        self.terms = terms
        self.leads_until = -inf
        self._seen: LeaseSpec | None = None
        self._seen_at = -inf
        self._acquired: str | None = None

    @property
    def holder(self) -> str:
        """Whoever was seen to hold it last; empty when nobody."""
        return (self._seen and self._seen.holder_identity) or ""

    def leads(self, now: float) -> bool:
        return now < self.leads_until

    def saw(self, spec: LeaseSpec, now: float) -> None:
        """The Lease is so. If it is not ours (any more), we lead no longer."""
        if spec != self._seen:
            self._seen, self._seen_at = spec, now
        if not self._is_ours(spec):
            self.leads_until = -inf

    def claim(self, now: float, time_of_day: datetime) -> LeaseSpec | None:
        """What to write in order to hold the Lease from now on; None as long as it is another's."""
        seen, at = self._seen or LeaseSpec(), micro_time(time_of_day)
        ours = self._is_ours(seen)
        if seen.holder_identity and not ours and now < self._seen_at + self._patience_s(seen):
            return None
        if not ours:
            self._acquired = at
        return LeaseSpec(
            holder_identity=self.identity,
            lease_duration_seconds=ceil(self.terms.duration_s),
            acquire_time=self._acquired,
            renew_time=at,
            lease_transitions=(seen.lease_transitions or 0) + (0 if ours else 1),
        )

    def granted(self, claim: LeaseSpec, asked_at: float) -> None:
        """The server has written the claim, some time after we asked."""
        self._seen, self._seen_at = claim, asked_at
        self.leads_until = asked_at + self.terms.deadline_s

    def release(self, time_of_day: datetime) -> LeaseSpec:
        """What to write so that the next one need not wait. From now on we do not lead."""
        self.leads_until = -inf
        transitions = self._seen.lease_transitions if self._seen else None
        return LeaseSpec(renew_time=micro_time(time_of_day), lease_transitions=transitions)

    def _is_ours(self, spec: LeaseSpec) -> bool:
        return spec.holder_identity == self.identity and spec.acquire_time == self._acquired is not None

    def _patience_s(self, seen: LeaseSpec) -> float:
        """The holder may have been started with a longer duration than we."""
        return max(self.terms.duration_s, float(seen.lease_duration_seconds or 0))
