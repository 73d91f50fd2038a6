"""What Prometheus sees of a controller: read off its own state when scraped, so it cannot drift from it."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bgp_config.names import Family
from controller.reconcile import Reconciler
from controller.record import Forget, SayPending, SetIngress, Write

_KINDS: dict[type[Write], str] = {SetIngress: "ingress", SayPending: "pending", Forget: "forget"}


class ControllerCollector(Collector):
    """Families of one controller. Cardinality: pools, and reasons; never Services."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    def collect(self) -> Iterator[Metric]:
        plan = self._reconciler.plan
        yield GaugeMetricFamily(
            "herald_controller_synced", "1 once everything needed has been listed.", value=float(not plan.unsynced)
        )
        stale = GaugeMetricFamily("herald_controller_stale", "1 while a kind may lag behind.", labels=["kind"])
        for kind in plan.stale:
            stale.add_metric([kind], 1)
        refused = GaugeMetricFamily(
            "herald_config_refused", "1 for a refused object; what is in force instead.", labels=["kind", "name", "in_force"]
        )
        for key, verdict in plan.verdicts.items():
            if not verdict.accepted:
                refused.add_metric([key.kind, key.name, verdict.in_force], 1)
        yield from (stale, refused)
        yield from self._pools()
        yield from self._services()
        yield from self._writes()

    def _pools(self) -> Iterator[Metric]:
        labels = ["pool", "family"]
        size = GaugeMetricFamily("herald_pool_addresses", "Addresses that the pool may give.", labels=labels)
        used = GaugeMetricFamily("herald_pool_addresses_used", "Those of them that Services hold.", labels=labels)
        for name, space in self._reconciler.plan.ledger.pools.items():
            for family in Family:
                if space.has(family):
                    size.add_metric([name, f"IPv{family.value}"], space.size(family))
                    used.add_metric([name, f"IPv{family.value}"], space.used(family))
        yield from (size, used)

    def _services(self) -> Iterator[Metric]:
        unmet = Counter(record.unmet.reason for record in self._reconciler.plan.records.values() if record.unmet)
        family = GaugeMetricFamily(
            "herald_services_unmet", "Services without what they ask for, by reason.", labels=["reason"]
        )
        for reason, count in unmet.items():
            family.add_metric([reason], count)
        assigned = sum(1 for record in self._reconciler.plan.records.values() if record.decided)
        yield from (family, GaugeMetricFamily("herald_services_assigned", "Services with a VIP.", value=assigned))

    def _writes(self) -> Iterator[Metric]:
        done = CounterMetricFamily("herald_status_writes", "Acknowledged writes.", labels=["what"])
        failed = CounterMetricFamily("herald_status_write_errors", "Writes that failed.", labels=["what"])
        for kind, word in _KINDS.items():
            done.add_metric([word], self._reconciler.writes[kind])
            failed.add_metric([word], self._reconciler.errors[kind])
        yield from (done, failed)
