"""Families of metrics as declared values: what the programs export, and what docs/metrics.md is generated from.

A collector makes its samples through these, so that nothing is exported which is not declared. Names follow Prometheus'
conventions: unit last, counters end in _total.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

Sample = tuple[Sequence[str], float]
"""The values of the labels, and that of the sample."""


class Type(StrEnum):
    """Of a family, in Prometheus' words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How many observations were at most each of `bounds`, and above all of them; and their sum."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`bound` says in the docs how many series there may be."""

    name: str
    type: Type
    text: str
    labels: tuple[str, ...] = ()
    bound: str = "1"

    def __str__(self) -> str:
        return self.name

    def of(self, value: float) -> Metric:
        """The only sample of a family without labels."""
        return self.samples([((), value)])

    def samples(self, samples: Iterable[Sample]) -> Metric:
        """Of a gauge or a counter."""
        made = CounterMetricFamily if self.type is Type.COUNTER else GaugeMetricFamily
        family = made(self.name, self.text, labels=self.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        return family

    def distributions(self, distributions: Mapping[Sequence[str], Distribution]) -> Metric:
        """Of a histogram, by the values of the labels."""
        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        for labels, each in distributions.items():
            bounds = [*(f"{bound:g}" for bound in each.bounds), "+Inf"]
            family.add_metric(labels, list(zip(bounds, accumulate(each.counts), strict=True)), each.total)
        return family


def gauge(name: str, text: str, *labels: str, bound: str = "1") -> Family:
    return Family(name=name, type=Type.GAUGE, text=text, labels=labels, bound=bound)


def counter(name: str, text: str, *labels: str, bound: str = "1") -> Family:
    """The name ends in _total."""
    return Family(name=name, type=Type.COUNTER, text=text, labels=labels, bound=bound)


def histogram(name: str, text: str, *labels: str, bound: str = "1") -> Family:
    return Family(name=name, type=Type.HISTOGRAM, text=text, labels=labels, bound=bound)


BUILD_INFO = gauge("herald_build_info", "1; which version of which program this is.", "program", "version", "python")
SYNCED = gauge("herald_synced", "1 once every kind that is needed has been listed; nothing is decided before.")
STALE_SINCE = gauge(
    "herald_stale_since_timestamp_seconds",
    "Since when a kind of objects may lag behind what the API server or the folder has; absent while it does not.",
    "kind",
    bound="kinds",
)
CONFIG_VALID = gauge("herald_config_valid", "1 while the present form of every configuration object is in force.")
CONFIG_REFUSED = gauge(
    "herald_config_refused",
    "1 for a configuration object of which the present form is refused; in_force says what counts instead.",
    "kind",
    "name",
    "in_force",
    bound="refused objects",
)
API_LISTS = counter(
    "herald_api_lists_total",
    "Complete lists that were read from the API server; more than one is a relist.",
    "kind",
    bound="kinds",
)
API_WATCHES = counter("herald_api_watches_total", "Watches that were opened at the API server.", "kind", bound="kinds")
COMMON = (BUILD_INFO, SYNCED, STALE_SINCE, CONFIG_VALID, CONFIG_REFUSED, API_LISTS, API_WATCHES)
"""What both programs export."""
