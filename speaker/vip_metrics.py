"""What Prometheus sees of a speaker's VIPs: how many, how strongly, why not, and of each Service where it is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from prometheus_client.metrics_core import Metric

from herald.kube.objects import ObjectKey
from herald.program.families import Family, Sample, gauge
from speaker.core import Core
from speaker.decide import VIPDecision
from speaker.reach import NextHopSets, is_least_preferred, presence
from speaker.reasons import Reason
from speaker.table import SessionTable

VIPS_ANNOUNCED = gauge("herald_speaker_vips_announced", "VIPs that this node announces, least preferred ones included.")
VIPS_LEAST_PREFERRED = gauge(
    "herald_speaker_vips_least_preferred",
    "VIPs that this node announces as least preferred, by reason.",
    "reason",
    bound="reasons",
)
VIPS_WITHHELD = gauge(
    "herald_speaker_vips_withheld",
    "VIPs (or Services without one) that this node does not announce, by reason.",
    "reason",
    bound="reasons",
)
SERVICE_ANNOUNCED = gauge(
    "herald_speaker_service_announced",
    "1 if the VIP is on the wire to every peer that shall have it, normally preferred; 0 if it should be and is not. "
    "Absent where there is nothing to announce, such as without a local endpoint. Off with --no-service-metrics.",
    "namespace",
    "service",
    "vip",
    bound="VIPs",
)
SERVICE_LEAST_PREFERRED = gauge(
    "herald_speaker_service_least_preferred",
    "1 if the VIP is on the wire to every peer that shall have it, least preferred; else absent. Off with "
    "--no-service-metrics.",
    "namespace",
    "service",
    "vip",
    bound="VIPs",
)
PREFIXES_WITHHELD = gauge(
    "herald_bgp_prefixes_withheld",
    "Prefixes that the peer does not get, since older Services have all that its maxPrefixes allows.",
    "peer",
    bound="peers of the node",
)
NEXT_HOP_SETS = gauge(
    "herald_speaker_next_hop_sets",
    "Distinct sets of nodes that VIPs are announced from, by endpoints: so many ECMP groups a router needs.",
)
VIP_FAMILIES = (
    VIPS_ANNOUNCED,
    VIPS_LEAST_PREFERRED,
    VIPS_WITHHELD,
    PREFIXES_WITHHELD,
    SERVICE_ANNOUNCED,
    SERVICE_LEAST_PREFERRED,
    NEXT_HOP_SETS,
)

CHUNK = 200
"""Services per piece: the loop does other work between two (herald.program.exposition)."""

Labelled: TypeAlias = Iterable[tuple[tuple[str, ...], VIPDecision]]
"""VIPs with the values of their labels."""


class VIPMetrics:
    def __init__(self, core: Core, table: SessionTable, *, with_services: bool) -> None:
        self._core = core
        self._table = table
        self._with_services = with_services
        self._next_hop_sets = NextHopSets()

    def collect(self) -> Iterator[Metric]:
        decisions = list(self._core.decisions.values())
        announced = [vip for decision in decisions for vip in decision.vips if vip.state.is_announced]
        least = Counter(vip.reason for vip in announced if vip.state.is_least_preferred)
        withdrawn = (vip for decision in decisions for vip in decision.vips if not vip.state.is_announced)
        withheld = Counter([*(decision.reason for decision in decisions), *(vip.reason for vip in withdrawn)])
        yield VIPS_ANNOUNCED.of(len(announced))
        yield VIPS_LEAST_PREFERRED.samples([((reason,), least[reason]) for reason in Reason])
        yield VIPS_WITHHELD.samples([((reason,), withheld[reason]) for reason in Reason])
        beyond = self._core.beyond_limits
        yield PREFIXES_WITHHELD.samples([((peer,), beyond.get(peer, 0)) for peer in self._core.peering.sessions])
        yield NEXT_HOP_SETS.of(self._next_hop_sets.count(self._core))
        if self._with_services:
            yield from self._services()

    def _services(self) -> Iterator[Metric]:
        """One family after the other."""
        yield from self._in_chunks(SERVICE_ANNOUNCED, self._normal)
        yield from self._in_chunks(SERVICE_LEAST_PREFERRED, self._least_preferred)

    def _in_chunks(self, family: Family, samples: Callable[[Labelled], Iterator[Sample]]) -> Iterator[Metric]:
        """Ever so many at a time: they may be 10,000."""
        decisions = iter(list(self._core.decisions.values()))
        yield family.samples([])
        while some := list(islice(decisions, CHUNK)):
            yield family.samples(list(samples([(_labels(each.service, vip), vip) for each in some for vip in each.vips])))

    def _normal(self, vips: Labelled) -> Iterator[Sample]:
        for labels, vip in vips:
            if (is_there := presence(self._core, self._table, vip)) is not None:
                yield labels, is_there

    def _least_preferred(self, vips: Labelled) -> Iterator[Sample]:
        return ((labels, 1) for labels, vip in vips if is_least_preferred(self._core, self._table, vip))


def _labels(service: ObjectKey, vip: VIPDecision) -> tuple[str, ...]:
    return service.namespace, service.name, str(vip.vip)
