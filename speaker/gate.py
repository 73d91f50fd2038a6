"""The data-path gate: an announcement waits until this node's data path has the VIP; a withdrawal never does. Pure.

It decides when, never whether: after a limit the VIP is announced all the same, as the last resort of every router, until
the data path is heard to have it; and that is counted. What it let through is an input of the core's decisions, and is
forgotten there when the VIP is withdrawn: the next time it waits again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bgp_config.names import Family, IPAddress
from herald.kube.objects import Node, Service, TrafficPolicy
from speaker.evidence import Claim
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.peering import node_addresses
from speaker.recent import Changed

POLL_S = 0.015
"""How often the data path is asked while an announcement waits."""
OVERDUE_POLL_S = 0.25
"""The same while one is out that it was never heard to have."""


class Knowledge(Protocol):
    """What is known of the data path."""

    def has(self, wanted: Wanted) -> bool: ...


class AnsweredKnowledge:
    """Of a data path of which only a URL is known: it has everything that was wanted before a question answered by 200."""

    def __init__(self) -> None:
        self._asked_at = float("-inf")

    def heard(self, asked_at: float | None) -> None:
        """When the question was asked that was answered by 200; None: this one was not."""
        self._asked_at = float("-inf") if asked_at is None else asked_at

    def has(self, wanted: Wanted) -> bool:
        return self._asked_at >= wanted.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An announcement that waits no longer: the data path has it, or is `overdue`, and may be heard to have it later."""

    claim: Claim
    waited_s: float
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What to ask the data path about, and how often: `checks` are those that would tell of endpoints, each once."""

    checks: tuple[HealthCheck, ...]
    every_s: float


class Gate:
    """The announcements that wait, and those that went out without word. One owner: the daemon's loop."""

    def __init__(self, knowledge: Knowledge, limit_s: float) -> None:
        self._knowledge = knowledge
        self._limit_s = limit_s
        self._waiting: dict[Claim, Wanted] = {}
        self._overdue: dict[Claim, Wanted] = {}
        self._has_news = False
        self.timeouts = 0

    @property
    def waiting(self) -> Mapping[Claim, Wanted]:
        return self._waiting

    @property
    def overdue(self) -> Mapping[Claim, Wanted]:
        return self._overdue

    def interest(self) -> Interest | None:
        """None: there is nothing that the data path is not known to have."""
        if not self._waiting and not self._overdue:
            return None
        every = (*self._waiting.values(), *self._overdue.values())
        checks = (w.health_check for w in every if w.health_check and w.endpoints_changed is not None)
        return Interest(checks=tuple(dict.fromkeys(checks)), every_s=POLL_S if self._waiting else OVERDUE_POLL_S)

    def begin(self, claim: Claim, wanted: Wanted) -> None:
        self._waiting[claim] = wanted

    def recall(self, overdue: Mapping[Claim, Wanted]) -> None:
        """These went out without word before this life."""
        self._overdue.update(overdue)

    def end(self, claim: Claim) -> None:
        """It shall not be announced any more."""
        self._waiting.pop(claim, None)
        self._overdue.pop(claim, None)

    def heard(self) -> None:
        """The data path was asked: it may have by now what is overdue."""
        self._has_news = True

    def release(self, now: float) -> list[Released]:
        """Those that the data path has, and those that have waited for too long."""
        released = list(self._released(now))
        for each in released:
            wanted = self._waiting.pop(each.claim, None) or self._overdue.pop(each.claim)
            if each.overdue:
                self._overdue[each.claim] = wanted
                self.timeouts += 1
        return released

    def _released(self, now: float) -> Iterator[Released]:
        """What is overdue may be much, and most turns of the loop bring no news of it."""
        overdue = self._overdue.items() if self._has_news else ()
        self._has_news = False
        for claim, wanted in (*self._waiting.items(), *overdue):
            waited_s = now - wanted.since
            if self._knowledge.has(wanted):
                yield Released(claim=claim, waited_s=waited_s, overdue=False)
            elif claim in self._waiting and waited_s >= self._limit_s:
                yield Released(claim=claim, waited_s=waited_s, overdue=True)


def wanted(vip: IPAddress, service: Service, changed: Changed, node: Node | None, now: float) -> Wanted:
    """What the data path must have for this VIP of this Service."""
    family = Family.of(vip)
    return Wanted(
        since=now,
        family=family,
        service_changed=changed.service,
        endpoints_changed=changed.endpoints,
        health_check=_health_check(service, family, node),
    )


def _health_check(service: Service, family: Family, node: Node | None) -> HealthCheck | None:
    """kube-proxy listens on the node's own addresses (--nodeport-addresses), not on the loopback."""
    port = service.spec.health_check_node_port
    if service.spec.external_traffic_policy is not TrafficPolicy.LOCAL or not port:
        return None
    address = next((a for a in node_addresses(node) if Family.of(a) is family), None)
    return HealthCheck(address, port) if address else None
