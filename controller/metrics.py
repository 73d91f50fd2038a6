"""What Prometheus sees of a controller: read off its own state when scraped, so it cannot drift from it.

FAMILIES is all that is exported, and what docs/metrics.md is generated from. Cardinality is bounded by pools, reasons and
kinds; only VIP_ASSIGNED grows with Services, and may be off.
"""

import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from platform import python_version
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bgp_config.names import Family
from bgp_config.verdict import InForce
from controller.reasons import PendingReason
from controller.reconcile import Reconciler
from controller.record import Forget, SayPending, SetIngress, Write
from herald.kube.api.tally import Tally
from herald.program.families import (
    API_LISTS,
    API_WATCHES,
    BUILD_INFO,
    COMMON,
    CONFIG_REFUSED,
    CONFIG_VALID,
    STALE_SINCE,
    SYNCED,
    Sample,
    counter,
    gauge,
)

LEADER = gauge("herald_controller_leader", "1 while this controller assigns; the other replicas wait.")
POOL_ADDRESSES = gauge(
    "herald_pool_addresses", "Addresses that Services may be given.", "pool", "family", bound="pools and families"
)
POOL_USED = gauge(
    "herald_pool_addresses_used", "Those of them that Services hold.", "pool", "family", bound="pools and families"
)
SERVICES_ASSIGNED = gauge("herald_services_assigned", "Services that have a VIP.")
SERVICES_UNMET = gauge(
    "herald_services_unmet", "Services that do not have what they ask for, by reason.", "reason", bound="reasons"
)
VIP_ASSIGNED = gauge(
    "herald_service_vip_assigned",
    "1 for a VIP that a Service has. Off with --no-service-metrics.",
    "namespace",
    "service",
    "vip",
    bound="VIPs",
)
STATUS_WRITES = counter("herald_status_writes_total", "Writes to statuses that were acknowledged.", "what", bound="3")
STATUS_WRITE_ERRORS = counter("herald_status_write_errors_total", "Writes that failed.", "what", bound="3")
FAMILIES = (
    *COMMON,
    LEADER,
    POOL_ADDRESSES,
    POOL_USED,
    SERVICES_ASSIGNED,
    SERVICES_UNMET,
    VIP_ASSIGNED,
    STATUS_WRITES,
    STATUS_WRITE_ERRORS,
)

CHUNK = 200
"""Services per piece: the loop does other work between two (herald.program.exposition)."""

_KINDS: dict[type[Write], str] = {SetIngress: "ingress", SayPending: "pending", Forget: "forget"}


class BuildCollector(Collector):
    """Which program this is."""

    def collect(self) -> Iterator[Metric]:
        yield BUILD_INFO.samples([(("controller", version("herald-lb"), python_version()), 1)])


class ControllerCollector(Collector):
    """Families of one controller that assigns. `tally` counts calls to the API server; None without one."""

    def __init__(self, reconciler: Reconciler, tally: Tally | None = None, *, with_services: bool = True) -> None:
        self._reconciler = reconciler
        self._tally = tally or Tally()
        self._with_services = with_services

    def collect(self) -> Iterator[Metric]:
        yield from self._common()
        yield from self._pools()
        yield from self._services()
        yield from self._writes()

    def _common(self) -> Iterator[Metric]:
        plan = self._reconciler.plan
        yield SYNCED.of(not plan.unsynced)
        yield STALE_SINCE.samples([((kind,), _timestamp(at)) for kind, at in self._reconciler.staleness.since.items()])
        refused = [(key, verdict) for key, verdict in plan.verdicts.items() if verdict.in_force is not InForce.CURRENT]
        yield CONFIG_VALID.of(not refused)
        yield CONFIG_REFUSED.samples([((key.kind, key.name, verdict.in_force), 1) for key, verdict in refused])
        yield API_LISTS.samples([((kind,), count) for kind, count in self._tally.lists.items()])
        yield API_WATCHES.samples([((kind,), count) for kind, count in self._tally.watches.items()])

    def _pools(self) -> Iterator[Metric]:
        pools = [
            (name, family, space)
            for name, space in self._reconciler.plan.ledger.pools.items()
            for family in Family
            if space.has(family)
        ]
        yield POOL_ADDRESSES.samples([((name, f"IPv{family.value}"), space.size(family)) for name, family, space in pools])
        yield POOL_USED.samples([((name, f"IPv{family.value}"), space.used(family)) for name, family, space in pools])

    def _services(self) -> Iterator[Metric]:
        records = list(self._reconciler.plan.records.values())
        unmet = Counter(record.unmet.reason for record in records if record.unmet)
        yield SERVICES_ASSIGNED.of(sum(1 for record in records if record.decided))
        yield SERVICES_UNMET.samples([((reason,), unmet[reason]) for reason in PendingReason])
        if not self._with_services:
            return
        left = iter(records)
        yield VIP_ASSIGNED.samples([])
        while some := list(islice(left, CHUNK)):
            samples: list[Sample] = [((*each.key, str(vip)), 1) for each in some if each.exists for vip in each.decided]
            yield VIP_ASSIGNED.samples(samples)

    def _writes(self) -> Iterator[Metric]:
        writes, errors = self._reconciler.writes, self._reconciler.errors
        yield STATUS_WRITES.samples([((word,), writes[kind]) for kind, word in _KINDS.items()])
        yield STATUS_WRITE_ERRORS.samples([((word,), errors[kind]) for kind, word in _KINDS.items()])


class Leading(Protocol):
    """Knows whether this controller assigns."""

    @property
    def is_leading(self) -> bool: ...


class LeaderCollector(Collector):
    """Whether this replica leads. `leading` None: it always does, which is so on a directory, once it has the lock."""

    def __init__(self, leading: Leading | None = None) -> None:
        self._leading = leading

    def collect(self) -> Iterator[Metric]:
        yield LEADER.of(self._leading is None or self._leading.is_leading)


def _timestamp(monotonic: float) -> float:
    """The time of day of a moment of the monotonic clock, in whole seconds, so that it stays the same."""
    return float(round(time.time() - (time.monotonic() - monotonic)))
