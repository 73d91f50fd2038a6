"""What `herald status` shows of drained nodes: how far they are, what they wait for, and that they announce nothing."""

from dataclasses import replace as with_
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bgp_config.status.drain import DrainedNode, Phase
from bgp_config.status.node import Drain
from herald.kube.objects import ConfigManifest, ConfigStatus, Kind
from herald.status.show import overview
from herald.status.text import plain
from tests.builders import manifest
from tests.unit.herald.status.build import NOW, WEB, answer, cluster, speaker, world

WAITING = DrainedNode(
    node="node2", phase=Phase.WAITING, since=NOW - timedelta(seconds=20), reason="maxConcurrentDrains", message="node1 first"
)


def drain(*nodes: DrainedNode) -> ConfigManifest:
    bare = manifest(Kind.DRAIN, "rack-a", {"nodes": ["node1", "node2"]})
    return replace(bare, status=ConfigStatus(nodes=list(nodes)))


def drained(phase: Phase, seconds: float = 90) -> DrainedNode:
    at = NOW - timedelta(seconds=seconds)
    return DrainedNode(node="node1", phase=phase, since=at, granted=at)


def test_each_node_of_a_drain_has_a_line_with_what_it_waits_for() -> None:
    text = overview(answer(world(cluster(drain(drained(Phase.DRAINED), WAITING)))), NOW, plain)
    assert (
        """\
DRAINS
  DRAIN   NODE   PHASE    FOR     WAITS FOR
  rack-a  node1  Drained  1m 30s
  rack-a  node2  Waiting  20s     maxConcurrentDrains: node1 first
"""
        in text
    )


def test_without_drains_there_is_no_word_of_them() -> None:
    assert "DRAINS" not in overview(answer(world(cluster())), NOW, plain)


@pytest.mark.parametrize("phase", [Phase.DRAINED, Phase.DRAINING])
def test_a_drained_node_announces_nothing_by_the_word_of_its_speaker_whatever_the_controller_says(phase: Phase) -> None:
    """And while it waits for routers to forget its routes."""
    said = Drain(reason="drained", since=NOW, phase=phase)
    speakers = [("node1", replace(speaker(), drain=said)), ("node2", speaker()), ("node3", speaker())]
    found = answer(world(cluster(drain(drained(Phase.DRAINING))), speakers=speakers), WEB)
    states = {node.node: node.services[0].vips[0] for node in found.nodes}
    assert (states["node1"].state, states["node1"].reason) == ("withdrawn", "drained")
    assert states["node2"].state == "normal"


def test_on_files_the_controllers_word_counts() -> None:
    found = answer(with_(world(cluster(drain(drained(Phase.DRAINING)))), speakers=(), live=False), WEB)
    assert [node.services[0].vips[0].reason for node in found.nodes] == ["draining", "", ""]
