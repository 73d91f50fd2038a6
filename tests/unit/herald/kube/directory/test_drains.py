"""What is said of Drains in the state directory: read with the manifest, whatever that says, and apart from Services."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bgp_config.status.drain import DrainedNode, DrainStatus, Phase
from controller.leftovers import leftovers
from herald.kube.directory import DirectoryDrainWriter, DirectorySource, DirectoryStatusWriter
from herald.kube.directory.drains import DRAINS
from herald.kube.objects import ConfigManifest, Kind, Metadata, ObjectKey
from tests.contract.reader import Reader
from tests.unit.herald.kube.directory.living import ALL, QUICK, eventually, living, rename_into

DRAIN = """\
apiVersion: herald-lb.io/v1alpha1
kind: Drain
metadata: {name: node1}
spec: {nodes: [node1]}
status: {nodes: [{node: node1, phase: Drained, since: "2026-01-01T00:00:00Z", granted: "2026-01-01T00:00:00Z"}]}
"""
KEY = ObjectKey("", "node1")
AT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
GRANTED = DrainStatus(nodes=(DrainedNode(node="node1", phase=Phase.DRAINING, since=AT, granted=AT),), total=1)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "drain.yaml").write_text(DRAIN)
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def drain_of(reader: Reader) -> ConfigManifest:
    found = reader.objects[Kind.DRAIN, KEY]
    assert isinstance(found, ConfigManifest)
    return found


def phases_are(*phases: Phase) -> Callable[[Reader], bool]:
    return lambda reader: tuple(each.phase for each in drain_of(reader).status.nodes) == phases


async def test_a_drain_has_the_grants_of_its_file_and_none_without(manifests: Path, state: Path) -> None:
    writer = DirectoryDrainWriter(state)
    async with living(DirectorySource(manifests, ALL, status=state, pace=QUICK)) as reader:
        await reader.until(lambda r: Kind.DRAIN in r.synced)
        assert phases_are()(reader)
        await writer.write(drain_of(reader), GRANTED)
        await reader.until(phases_are(Phase.DRAINING))
        await writer.forget("node1")
        await reader.until(phases_are())


async def test_what_is_said_of_drains_is_of_no_service(state: Path) -> None:
    drain = ConfigManifest(kind=Kind.DRAIN, metadata=Metadata(name="node1"))
    await DirectoryDrainWriter(state).write(drain, GRANTED)
    assert list(leftovers(state)) == []
    assert await DirectoryStatusWriter(state).known() == frozenset()
    assert await DirectoryDrainWriter(state).known() == frozenset({"node1"})


async def test_a_file_that_says_something_else_changes_nothing_and_is_named(manifests: Path, state: Path) -> None:
    source = DirectorySource(manifests, ALL, status=state, pace=QUICK)
    async with living(source) as reader:
        await reader.until(lambda r: Kind.DRAIN in r.synced)
        await DirectoryDrainWriter(state).write(drain_of(reader), GRANTED)
        await reader.until(phases_are(Phase.DRAINING))
        rename_into(state / DRAINS / "node1.json", '{"nodes": "all"}')
        await eventually(lambda: any("no status of a Drain" in str(problem) for problem in source.problems))
        assert phases_are(Phase.DRAINING)(reader)
