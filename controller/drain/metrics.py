"""What Prometheus sees of drains: read off the loop's own state when scraped."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bgp_config.status.drain import Phase
from controller.drain.drainer import Drainer
from herald.program.families import counter, gauge

DRAIN_NODES = gauge("herald_drain_nodes", "Nodes that Drains are about, by how far they are.", "phase", bound="3")
DRAIN_ERRORS = counter("herald_drain_errors_total", "Failures to hear of speakers or to write the status of a Drain.")
FAMILIES = (DRAIN_NODES, DRAIN_ERRORS)


class DrainCollector(Collector):
    """Families of one loop."""

    def __init__(self, drainer: Drainer) -> None:
        self._drainer = drainer

    def collect(self) -> Iterator[Metric]:
        phases = Counter(each.phase for each in self._drainer.nodes)
        yield DRAIN_NODES.samples([((phase.value,), phases[phase]) for phase in Phase])
        yield DRAIN_ERRORS.of(self._drainer.errors)
