"""What Prometheus sees of what a speaker leaves to its successor."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from herald.program.families import gauge
from speaker.state.chronicle import Chronicle
from speaker.state.memory import Memory

WRITTEN = gauge("herald_state_written_timestamp_seconds", "When the state file was written last; absent before.")
SIZE = gauge("herald_state_bytes", "Size of the state file; it is on tmpfs, so this is memory.")
SET_ASIDE = gauge(
    "herald_state_set_aside", "Files of an earlier speaker that are of no use to this one and were set aside at its start."
)
FAMILIES = (WRITTEN, SIZE, SET_ASIDE)


class StateCollector(Collector):
    def __init__(self, chronicle: Chronicle, memory: Memory) -> None:
        self._chronicle = chronicle
        self._memory = memory

    def collect(self) -> Iterator[Metric]:
        state = self._chronicle.state
        yield WRITTEN.samples([] if state.written_at is None else [((), float(round(state.written_at)))])
        yield SIZE.of(state.octets)
        yield SET_ASIDE.of(len(self._memory.set_aside))
