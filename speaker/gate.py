"""The data-path gate: an announcement waits until this node's data path has the VIP; a withdrawal never does. Pure.

It decides when, never whether: after a limit the VIP is announced all the same, and that is counted. What it let through
is an input of the core's decisions, and is forgotten there when the VIP is withdrawn: the next time it waits again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bgp_config.names import Family, IPAddress
from herald.kube.objects import Node, Service, TrafficPolicy
from speaker.core import Transition
from speaker.decide import Claim
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.peering import node_addresses
from speaker.reasons import Reason
from speaker.recent import Changed


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
    """An announcement that no longer waits; `overdue` if the data path was not heard to have it."""

    claim: Claim
    waited_s: float
    overdue: bool


class Gate:
    """The announcements that wait. One owner: the daemon's loop."""

    def __init__(self, knowledge: Knowledge, limit_s: float) -> None:
        self._knowledge = knowledge
        self._limit_s = limit_s
        self._waiting: dict[Claim, Wanted] = {}
        self.timeouts = 0

    @property
    def waiting(self) -> Mapping[Claim, Wanted]:
        return self._waiting

    def checks(self) -> list[HealthCheck] | None:
        """The health checks that would tell of endpoints that are waited for, each once; None when nothing waits."""
        if not self._waiting:
            return None
        wanted = (w for w in self._waiting.values() if w.health_check and w.endpoints_changed is not None)
        return list(dict.fromkeys(w.health_check for w in wanted if w.health_check))

    def begin(self, claim: Claim, wanted: Wanted) -> None:
        self._waiting[claim] = wanted

    def end(self, claim: Claim) -> None:
        """It is announced, or shall not be any more."""
        self._waiting.pop(claim, None)

    def release(self, now: float) -> list[Released]:
        """Those that wait no longer."""
        released = list(self._released(now))
        for each in released:
            del self._waiting[each.claim]
            self.timeouts += each.overdue
        return released

    def _released(self, now: float) -> Iterator[Released]:
        for claim, wanted in self._waiting.items():
            waited_s = now - wanted.since
            has = self._knowledge.has(wanted)
            if has or waited_s >= self._limit_s:
                yield Released(claim=claim, waited_s=waited_s, overdue=not has)


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


def waits(transitions: Iterable[Transition]) -> Iterator[tuple[Claim, bool]]:
    """The claims that changed, and whether each waits for the data path from now on."""
    for change in transitions:
        if change.vip is not None:
            yield (change.service, change.vip), change.reason is Reason.DATA_PATH_PENDING


def _health_check(service: Service, family: Family, node: Node | None) -> HealthCheck | None:
    """kube-proxy listens on the node's own addresses (--nodeport-addresses), not on the loopback."""
    port = service.spec.health_check_node_port
    if service.spec.external_traffic_policy is not TrafficPolicy.LOCAL or not port:
        return None
    address = next((a for a in node_addresses(node) if Family.of(a) is family), None)
    return HealthCheck(address, port) if address else None
