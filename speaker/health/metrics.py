"""What Prometheus sees of health checks: read off the witness when scraped. Bounded by the health checks there are."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herald.program.families import Distribution, counter, gauge, histogram
from speaker.health.witness import HealthWitness
from speaker.latency import BOUNDS_S

ENDPOINTS = gauge(
    "herald_health_endpoints",
    "Endpoints of this node that a HealthCheck probes, by what was found of them.",
    "check",
    "state",
    bound="HealthChecks x 3",
)
PROBES = counter(
    "herald_health_probes_total",
    "Probes by how they ended; notAsked: this node had no socket for it, which says nothing of the endpoint.",
    "check",
    "outcome",
    bound="HealthChecks x 9",
)
DURATION = histogram(
    "herald_health_probe_duration_seconds", "From the beginning of a probe until its outcome, all checks together."
)
IN_FLIGHT = gauge("herald_health_probes_in_flight", "Probes under way now; at 512 further ones wait for their turn.")
FAMILIES = (ENDPOINTS, PROBES, DURATION, IN_FLIGHT)


class HealthCollector(Collector):
    def __init__(self, health: HealthWitness) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        health = self._health
        found = Counter((endpoint.group.check, each.found) for endpoint, _, each in health.found())
        yield ENDPOINTS.samples(((check, state.value), count) for (check, state), count in found.items())
        yield PROBES.samples(((check, outcome.value), count) for (check, outcome), count in health.outcomes.items())
        durations = health.durations
        yield DURATION.distributions({(): Distribution(bounds=BOUNDS_S, counts=durations.counts, total=durations.total)})
        yield IN_FLIGHT.of(health.prober.in_flight)
