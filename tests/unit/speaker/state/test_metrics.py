"""When the state was written and what was set aside is exported."""

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from speaker.state.chronicle import Chronicle
from speaker.state.file import Origin
from speaker.state.memory import Memory
from speaker.state.metrics import StateCollector
from tests.unit.speaker.test_core import CONFIG, core


async def test_when_it_was_written_how_large_it_is_and_what_was_set_aside(tmp_path: Path) -> None:
    memory = Memory(())
    memory.set_aside = ("it is damaged",)
    chronicle = Chronicle(tmp_path, Origin(node="node1", boot="this"), core(CONFIG), memory, ())
    registry = CollectorRegistry()
    registry.register(StateCollector(chronicle, memory))
    assert registry.get_sample_value("herald_state_written_timestamp_seconds") is None
    await chronicle.close()
    assert registry.get_sample_value("herald_state_written_timestamp_seconds") is not None
    assert registry.get_sample_value("herald_state_bytes") == (tmp_path / "state").stat().st_size
    assert registry.get_sample_value("herald_state_set_aside") == 1
    assert b"herald_state_bytes" in generate_latest(registry)
