"""What Prometheus sees of a speaker: read off the speaker's own state when scraped, so it cannot drift from it.

FAMILIES is all that is exported, and what docs/metrics.md is generated from. Cardinality is bounded by peers, reasons and
kinds; only what vip_metrics.py says of each Service grows with Services, and may be off.
"""

import time
from collections.abc import Iterator, Sequence
from platform import python_version

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bgp_config.names import PeerName
from bgp_config.verdict import InForce
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
    Distribution,
    counter,
    gauge,
    histogram,
)
from speaker.daemon import Speaker
from speaker.latency import BOUNDS_S, Observations
from speaker.session import SessionSpec, SessionState
from speaker.status import VERSION
from speaker.table import SessionRecord
from speaker.tcp_info import received_bytes
from speaker.vip_metrics import VIP_FAMILIES, VIPMetrics

PEERS = "peers of the node"

SESSION_UP = gauge("herald_bgp_session_up", "1 while the session is Established.", "peer", bound=PEERS)
SESSION_IN_SYNC = gauge(
    "herald_bgp_session_in_sync", "1 once all routes and End-of-RIB were sent on this session.", "peer", bound=PEERS
)
SESSION_SINCE = gauge(
    "herald_bgp_session_state_since_timestamp_seconds", "When the session came into its state.", "peer", bound=PEERS
)
SESSION_CHANGES = counter(
    "herald_bgp_session_state_changes_total", "How often the session came up or went down.", "peer", bound=PEERS
)
SESSION_ERROR = gauge(
    "herald_bgp_session_last_error_info",
    "1; the last end of the session: code and subcode of the NOTIFICATION (RFC 4271, section 4.5), empty if there was none. "
    "Absent before the first.",
    "peer",
    "code",
    "subcode",
    bound=PEERS,
)
SESSION_ERROR_AT = gauge(
    "herald_bgp_session_last_error_timestamp_seconds", "When the session last failed. Absent before.", "peer", bound=PEERS
)
SESSION_HOLD_TIME = gauge(
    "herald_bgp_session_hold_time_seconds",
    "The negotiated hold time; while it is down, the offered one.",
    "peer",
    bound=PEERS,
)
SESSION_UPDATES = counter("herald_bgp_session_updates_sent_total", "UPDATEs that changed routes.", "peer", bound=PEERS)
SESSION_RECEIVED = counter(
    "herald_bgp_session_received_bytes_total",
    "Bytes that the router has sent on the present TCP connection. Absent without one.",
    "peer",
    bound=PEERS,
)
ROUTES_DESIRED = gauge("herald_bgp_routes_desired", "Routes that the peer shall have.", "peer", bound=PEERS)
ROUTES_PROGRAMMED = gauge(
    "herald_bgp_routes_programmed",
    "Prefixes that are advertised to the peer: on the wire and not withdrawn.",
    "peer",
    bound=PEERS,
)
ROUTES_PENDING = gauge(
    "herald_bgp_routes_pending",
    "Prefixes of which the peer does not have yet what it shall have, or still has.",
    "peer",
    bound=PEERS,
)
PEER_REFUSED = gauge(
    "herald_bgp_peer_refused",
    "1 for a BGPPeer that selects this node and has no session, by reason.",
    "peer",
    "reason",
    bound=PEERS,
)
CHANGE_SECONDS = histogram(
    "herald_speaker_change_seconds",
    "From the word of the source (an endpoint changed) to the UPDATE on the wire, per route.",
    "direction",
    bound="2",
)
CHANGE_PART_SECONDS = histogram(
    "herald_speaker_change_part_seconds",
    "The parts of it: watch (until the loop takes it), decide (until the engine is told), gate (wait for the data path), "
    "wire (until the UPDATE is sent).",
    "part",
    bound="4",
)
DATA_PATH_ANSWERS = gauge("herald_speaker_data_path_answers", "1 while kube-proxy, or what is asked instead, answers.")
DATA_PATH_WAITING = gauge("herald_speaker_data_path_waiting", "VIPs that wait for the data path.")
DATA_PATH_TIMEOUTS = counter(
    "herald_speaker_data_path_timeouts_total", "VIPs that were announced without word that the data path has them."
)

DATA_PATH = (DATA_PATH_ANSWERS, DATA_PATH_WAITING, DATA_PATH_TIMEOUTS)
"""Exported where there is a data-path gate."""
FAMILIES = (
    *COMMON,
    SESSION_UP,
    SESSION_IN_SYNC,
    SESSION_SINCE,
    SESSION_CHANGES,
    SESSION_ERROR,
    SESSION_ERROR_AT,
    SESSION_HOLD_TIME,
    SESSION_UPDATES,
    SESSION_RECEIVED,
    ROUTES_DESIRED,
    ROUTES_PROGRAMMED,
    ROUTES_PENDING,
    PEER_REFUSED,
    *VIP_FAMILIES,
    CHANGE_SECONDS,
    CHANGE_PART_SECONDS,
    *DATA_PATH,
)


class SpeakerCollector(Collector):
    """Families of one speaker. `tally` counts calls to the API server; None without one."""

    def __init__(self, speaker: Speaker, tally: Tally | None = None, *, with_services: bool = True) -> None:
        self._speaker = speaker
        self._tally = tally or Tally()
        self._vips = VIPMetrics(speaker.core, speaker.table, with_services=with_services)

    def collect(self) -> Iterator[Metric]:
        yield from self._common()
        yield from self._sessions()
        yield from self._vips.collect()
        yield from self._latency()
        yield from self._data_path()

    def _common(self) -> Iterator[Metric]:
        cluster, staleness = self._speaker.core.cluster, self._speaker.staleness
        yield BUILD_INFO.samples([(("speaker", VERSION, python_version()), 1)])
        yield SYNCED.of(cluster.synced)
        yield STALE_SINCE.samples([((kind,), _timestamp(at)) for kind, at in staleness.since.items()])
        refused = [(key, verdict) for key, verdict in cluster.verdicts.items() if verdict.in_force is not InForce.CURRENT]
        yield CONFIG_VALID.of(not refused)
        yield CONFIG_REFUSED.samples([((key.kind, key.name, verdict.in_force), 1) for key, verdict in refused])
        yield API_LISTS.samples([((kind,), count) for kind, count in self._tally.lists.items()])
        yield API_WATCHES.samples([((kind,), count) for kind, count in self._tally.watches.items()])

    def _sessions(self) -> Iterator[Metric]:
        core, table = self._speaker.core, self._speaker.table
        sessions = [(peer, spec, table.records.get(spec)) for peer, spec in core.peering.sessions.items()]
        known = [(peer, record) for peer, _, record in sessions if record]
        failed = [(peer, record) for peer, record in known if record.last_error is not None]
        yield SESSION_UP.samples([((peer,), _is_up(record)) for peer, _, record in sessions])
        yield SESSION_IN_SYNC.samples([((peer,), bool(record and record.in_sync)) for peer, _, record in sessions])
        yield SESSION_SINCE.samples([((peer,), _timestamp(record.since)) for peer, record in known])
        yield SESSION_CHANGES.samples([((peer,), record.transitions) for peer, record in known])
        yield SESSION_ERROR.samples([((peer, *_codes(record)), 1) for peer, record in failed])
        yield SESSION_ERROR_AT.samples([((peer,), _timestamp(record.failed_at)) for peer, record in failed])
        yield SESSION_HOLD_TIME.samples([((peer,), _hold_time_s(spec, record)) for peer, spec, record in sessions])
        yield SESSION_UPDATES.samples([((peer,), record.updates) for peer, record in known])
        received = {port: received_bytes(port) for port in {spec.peer_port for _, spec, _ in sessions}}
        yield SESSION_RECEIVED.samples(
            [
                ((peer,), received[spec.peer_port][connection])
                for peer, spec, _ in sessions
                if (connection := (spec.local_address, spec.peer_address)) in received[spec.peer_port]
            ]
        )
        yield from self._routes(sessions)
        yield PEER_REFUSED.samples([((peer, reason), 1) for peer, reason in core.peering.refused.items()])

    def _routes(self, sessions: Sequence[tuple[PeerName, SessionSpec, SessionRecord | None]]) -> Iterator[Metric]:
        desired = {peer: self._speaker.core.ribs.table(spec).keys() for peer, spec, _ in sessions}
        on_wire = {peer: set(record.on_wire) if record else set() for peer, _, record in sessions}
        yield ROUTES_DESIRED.samples([((peer,), len(routes)) for peer, routes in desired.items()])
        yield ROUTES_PROGRAMMED.samples([((peer,), len(routes)) for peer, routes in on_wire.items()])
        yield ROUTES_PENDING.samples([((peer,), len(desired[peer] ^ routes)) for peer, routes in on_wire.items()])

    def _latency(self) -> Iterator[Metric]:
        latency = self._speaker.latency
        yield CHANGE_SECONDS.distributions({(name,): _distribution(each) for name, each in latency.changes.items()})
        yield CHANGE_PART_SECONDS.distributions({(name,): _distribution(each) for name, each in latency.parts.items()})

    def _data_path(self) -> Iterator[Metric]:
        if not (admission := self._speaker.witnesses.admission):
            return
        yield DATA_PATH_ANSWERS.of(bool(admission.poll.answered))
        yield DATA_PATH_WAITING.of(len(admission.gate.waiting))
        yield DATA_PATH_TIMEOUTS.of(admission.gate.timeouts)


def _is_up(record: SessionRecord | None) -> bool:
    return record is not None and record.state is SessionState.ESTABLISHED


def _hold_time_s(spec: SessionSpec, record: SessionRecord | None) -> int:
    return spec.hold_time_s if record is None or record.hold_time_s is None else record.hold_time_s


def _codes(record: SessionRecord) -> tuple[str, str]:
    code, subcode = record.error or ("", "")
    return str(code), str(subcode)


def _timestamp(monotonic: float) -> float:
    """The time of day of a moment of the monotonic clock, in whole seconds, so that it stays the same."""
    return float(round(time.time() - (time.monotonic() - monotonic)))


def _distribution(observations: Observations) -> Distribution:
    return Distribution(bounds=BOUNDS_S, counts=observations.counts, total=observations.total)
