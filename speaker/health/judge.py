"""What the answers of endpoints add up to: rise and fall per endpoint, then how a node stands per Service. Pure.

- An endpoint is well until it is found sick: by `fall` bad answers in a row, or by the first answer that there is. It is
  well again after `rise` good ones.
- A group of endpoints that was sick regains its preference after a hold-down that grows with each time, and is least
  preferred meanwhile, whatever its check asks for: it can serve.
- An edit of a check moves nothing: what was found stays until new answers say otherwise. One that is gone is forgotten.

Bounded by the endpoints of this node; the history of hold-downs by what was sick lately.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bgp_config.config import FailWhen, HealthCheck, OnFailure
from speaker.health.dialogue import Outcome
from speaker.health.targets import EndpointKey, GroupKey
from speaker.hold_down import HoldDown
from speaker.route import RouteState


class Found(StrEnum):
    """What is known of one endpoint."""

    UNKNOWN = "unknown"
    WELL = "well"
    SICK = "sick"


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """`against`: so many answers in a row have spoken against what was found. `last`: how the last probe ended."""

    found: Found = Found.UNKNOWN
    against: int = 0
    last: Outcome | None = None

    def heard(self, outcome: Outcome, check: HealthCheck) -> "EndpointHealth":
        if outcome is Outcome.NOT_ASKED:
            return replace(self, last=outcome)
        says = Found.WELL if outcome is Outcome.PASSED else Found.SICK
        if says is self.found:
            return EndpointHealth(says, 0, outcome)
        needed = {Found.UNKNOWN: 1, Found.WELL: check.fall, Found.SICK: check.rise}[self.found]
        against = self.against + 1
        return EndpointHealth(says, 0, outcome) if against >= needed else EndpointHealth(self.found, against, outcome)


@dataclass(slots=True)
class _Group:
    """`sick`: as it was last judged."""

    check: HealthCheck
    endpoints: dict[EndpointKey, EndpointHealth] = field(default_factory=dict)
    sick: bool = False

    def is_sick(self) -> bool:
        sick = (each.found is Found.SICK for each in self.endpoints.values())
        return any(sick) if self.check.fail_when is FailWhen.ANY else bool(self.endpoints) and all(sick)


class Judge:
    """One owner: the witness. Times are of one monotonic clock. `_held`: till when, of those that recovered."""

    def __init__(self) -> None:
        self._groups: dict[GroupKey, _Group] = {}
        self._held: dict[GroupKey, float] = {}
        self.recalled: set[EndpointKey] = set()
        self.hold_down: HoldDown[GroupKey] = HoldDown()

    @property
    def sick(self) -> list[EndpointKey]:
        """The endpoints that were found so."""
        groups = self._groups.values()
        return [key for group in groups for key, each in group.endpoints.items() if each.found is Found.SICK]

    def recall(self, sick: Iterable[EndpointKey]) -> None:
        """What an earlier life found, of endpoints that are watched from the next round on."""
        self.recalled = set(sick)

    def forget_recalled(self) -> None:
        """All that there was to watch is watched."""
        self.recalled.clear()

    def health(self, key: EndpointKey) -> EndpointHealth:
        group = self._groups.get(key.group)
        return group.endpoints.get(key, EndpointHealth()) if group else EndpointHealth()

    def watch(self, key: GroupKey, check: HealthCheck, endpoints: Iterable[EndpointKey], now: float) -> None:
        """These are its endpoints from now on; what is known of them stays."""
        known = self._groups.get(key)
        group = self._groups[key] = known or _Group(check)
        group.check = check
        group.endpoints = {each: group.endpoints.get(each) or self._first(each) for each in endpoints}
        if known is None:
            group.sick = group.is_sick()  # as in an earlier life, so not once more
        self._judge(key, group, now)

    def forget(self, key: GroupKey) -> None:
        self._groups.pop(key, None)
        self._held.pop(key, None)

    def hear(self, key: EndpointKey, outcome: Outcome, now: float) -> Found | None:
        """What is found of the endpoint now, if that is something else than before."""
        group = self._groups.get(key.group)
        if group is None or (before := group.endpoints.get(key)) is None:
            return None  # it is not watched any longer
        after = group.endpoints[key] = before.heard(outcome, group.check)
        if after.found is before.found:
            return None
        self._judge(key.group, group, now)
        return after.found

    def release(self, now: float) -> list[GroupKey]:
        """Those whose hold-down is over. It looks at those that are held down and at no other."""
        due = [key for key, until in self._held.items() if until <= now]
        for key in due:
            del self._held[key]
        self.hold_down.forget_quiet(now)
        return due

    def state(self, key: GroupKey) -> RouteState:
        """How the node stands, by this group alone."""
        group = self._groups.get(key)
        if group is None:
            return RouteState.NORMAL
        if group.sick and group.check.on_failure is OnFailure.WITHDRAW:
            return RouteState.WITHDRAWN
        return RouteState.LAST_RESORT if group.sick or key in self._held else RouteState.NORMAL

    def _first(self, key: EndpointKey) -> EndpointHealth:
        return EndpointHealth(Found.SICK if key in self.recalled else Found.UNKNOWN)

    def _judge(self, key: GroupKey, group: _Group, now: float) -> None:
        sick = group.is_sick()
        if sick and not group.sick and key not in self._held:
            self.hold_down.fell(key, now)
        if sick:
            self._held.pop(key, None)
        elif group.sick and (hold_s := self.hold_down.hold_s(key, now)):
            self._held[key] = now + hold_s
        group.sick = sick
