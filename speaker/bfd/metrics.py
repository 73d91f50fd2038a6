"""What Prometheus sees of BFD: read off the speaker's side when scraped; the BFD program itself listens to nobody but the
speaker. Bounded by the peers of the node.
"""

import time
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herald.program.families import counter, gauge
from speaker.bfd.packet import State
from speaker.bfd.witness import BfdWitness
from speaker.core import Core

PEERS = "peers of the node with a BFDProfile"

UP = gauge("herald_bfd_session_up", "1 while the peer's BFD session is Up.", "peer", bound=PEERS)
CHANGES = counter(
    "herald_bfd_session_state_changes_total", "How often the state of the peer's BFD session changed.", "peer", bound=PEERS
)
DETECTION_TIME = gauge(
    "herald_bfd_session_detection_time_seconds",
    "How long the router may be silent, as negotiated. Absent before it has spoken.",
    "peer",
    bound=PEERS,
)
HOLDS_BGP = gauge(
    "herald_bfd_session_holds_bgp",
    "1 while BFD keeps the peer's BGP session closed or without routes, by reason.",
    "peer",
    "reason",
    bound=PEERS,
)
PROGRAM_UP = gauge("herald_bfd_program_up", "1 while this node's BFD program answers the speaker.")
REAL_TIME = gauge(
    "herald_bfd_program_real_time",
    "1 if it was granted real-time scheduling; without, a busy node may take sessions down. Absent before it has answered.",
)
MEMORY_LOCKED = gauge(
    "herald_bfd_program_memory_locked", "1 if it was allowed to lock its memory. Absent before it has answered."
)
DISCARDS = counter(
    "herald_bfd_packets_discarded_total",
    "Packets at BFD's port that were of no use to any session, by why; some 15 s late.",
    "why",
    bound="11",
)
FAMILIES = (UP, CHANGES, DETECTION_TIME, HOLDS_BGP, PROGRAM_UP, REAL_TIME, MEMORY_LOCKED, DISCARDS)


class BfdCollector(Collector):
    """Families of one speaker; none while it watches no peer."""

    def __init__(self, bfd: BfdWitness, core: Core) -> None:
        self._bfd = bfd
        self._core = core

    def collect(self) -> Iterator[Metric]:
        report = self._bfd.report(self._core.peering, time.monotonic())
        if not report.peers:
            return
        told = {peer: each.status for peer, each in report.peers.items() if each.status}
        held = {peer: each.reason for peer, each in report.peers.items() if each.reason}
        yield UP.samples([((peer,), bool(a.status and a.status.state is State.UP)) for peer, a in report.peers.items()])
        yield CHANGES.samples([((peer,), account.changes) for peer, account in report.peers.items()])
        yield DETECTION_TIME.samples([((p,), s.detection_time_s) for p, s in told.items() if s.detection_time_s])
        yield HOLDS_BGP.samples([((peer, reason), 1) for peer, reason in held.items()])
        yield PROGRAM_UP.of(self._bfd.client.connected)
        if program := self._bfd.client.program:
            yield REAL_TIME.of(program.is_real_time)
            yield MEMORY_LOCKED.of(program.is_memory_locked)
            yield DISCARDS.samples([((why,), count) for why, count in program.discards.items()])
