"""What Prometheus sees of orders by hand: read off the witness when scraped."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herald.program.families import counter, gauge
from speaker.by_hand.order import by_way
from speaker.by_hand.witness import ByHand

IN_FORCE = gauge(
    "herald_withdrawn_by_hand",
    "VIPs, or all of this node, that are withdrawn by hand now; by command or by the switch file.",
    "way",
    bound="2",
)
GIVEN = counter("herald_withdrawals_by_hand_total", "Withdrawals ordered by hand since the start.", "way", bound="2")
FAMILIES = (IN_FORCE, GIVEN)


class ByHandCollector(Collector):
    def __init__(self, by_hand: ByHand) -> None:
        self._by_hand = by_hand

    def collect(self) -> Iterator[Metric]:
        yield IN_FORCE.samples(((way.value,), count) for way, count in by_way(self._by_hand.in_force).items())
        yield GIVEN.samples(((way.value,), count) for way, count in self._by_hand.given.items())
