"""What Prometheus sees of a speaker: read off the speaker's own state when scraped, so it cannot drift from it."""

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from speaker.daemon import Speaker
from speaker.route import RouteState
from speaker.session import SessionState


class SpeakerCollector(Collector):
    """Families of one speaker. Cardinality: peers, and reasons; never Services."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    def collect(self) -> Iterator[Metric]:
        core = self._speaker.core
        yield GaugeMetricFamily(
            "herald_speaker_synced", "1 once everything needed has been listed.", value=float(core.cluster.synced)
        )
        stale = GaugeMetricFamily("herald_speaker_stale", "1 while a kind may lag behind.", labels=["kind"])
        for kind in core.cluster.stale:
            stale.add_metric([kind], 1)
        yield stale
        yield from self._sessions()
        yield from self._vips()
        yield from self._data_path()

    def _sessions(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("herald_bgp_session_up", "1 while Established.", labels=["peer"])
        in_sync = GaugeMetricFamily("herald_bgp_session_in_sync", "1 once End-of-RIB was sent.", labels=["peer"])
        age = GaugeMetricFamily("herald_bgp_session_state_seconds", "Time in the present state.", labels=["peer"])
        changes = CounterMetricFamily("herald_bgp_session_transitions", "Changes of state.", labels=["peer"])
        desired = GaugeMetricFamily("herald_bgp_routes_desired", "Routes that the peer shall have.", labels=["peer"])
        on_wire = GaugeMetricFamily("herald_bgp_routes_programmed", "Routes that were sent to it.", labels=["peer"])
        now, core = time.monotonic(), self._speaker.core
        for peer, spec in core.peering.sessions.items():
            record = self._speaker.table.records.get(spec)
            established = record is not None and record.state is SessionState.ESTABLISHED
            up.add_metric([peer], float(established))
            in_sync.add_metric([peer], float(record.in_sync if record else 0))
            age.add_metric([peer], now - record.since if record else 0)
            changes.add_metric([peer], record.transitions if record else 0)
            desired.add_metric([peer], len(core.ribs.table(spec)))
            on_wire.add_metric([peer], len(record.on_wire) if record else 0)
        refused = GaugeMetricFamily(
            "herald_bgp_peer_refused", "1 for a peer without a session, by reason.", labels=["peer", "reason"]
        )
        for peer, reason in core.peering.refused.items():
            refused.add_metric([peer, reason], 1)
        yield from (up, in_sync, age, changes, desired, on_wire, refused)

    def _vips(self) -> Iterator[Metric]:
        announced = 0
        withheld: Counter[str] = Counter()
        for decision in self._speaker.core.decisions.values():
            if decision.reason:
                withheld[decision.reason] += 1
            for vip in decision.vips:
                announced += vip.state is not RouteState.WITHDRAWN
                if vip.reason:
                    withheld[vip.reason] += 1
        yield GaugeMetricFamily("herald_speaker_vips_announced", "VIPs that this node announces.", value=announced)
        family = GaugeMetricFamily(
            "herald_speaker_vips_withheld", "VIPs that it does not announce, by reason.", labels=["reason"]
        )
        for reason, count in withheld.items():
            family.add_metric([reason], count)
        yield family

    def _data_path(self) -> Iterator[Metric]:
        if not (admission := self._speaker.admission):
            return
        answers = GaugeMetricFamily("herald_speaker_data_path_answers", "1 while the data path answers.")
        answers.add_metric([], float(bool(admission.poll.answered)))
        waiting = GaugeMetricFamily("herald_speaker_data_path_waiting", "VIPs that wait for the data path.")
        waiting.add_metric([], len(admission.gate.waiting))
        timeouts = CounterMetricFamily(
            "herald_speaker_data_path_timeouts", "VIPs announced without word that the data path has them."
        )
        timeouts.add_metric([], admission.gate.timeouts)
        yield from (answers, waiting, timeouts)
