"""What a speaker doubts is shown as it announces it: least preferred, with the routes of a node that may be sick."""

from dataclasses import replace

import msgspec
import pytest

from bgp_config.status.node import Announcement, BGPNodeStatus, Drain, ServiceNotNormal
from tests.unit.herald.status.build import NOW, answer, cluster, speaker, world
from tests.unit.herald.status.test_decided import states, vips


def said(**more: object) -> ServiceNotNormal:
    return msgspec.convert({"namespace": "default", "name": "web", "reason": "healthCheckFailed", **more}, ServiceNotNormal)


def told_by_node1(status: BGPNodeStatus) -> dict[str, tuple[str, str]]:
    return states(answer(replace(world(cluster()), speakers=[("node1", status)])))


def test_a_service_whose_health_check_fails_is_least_preferred_there_and_its_path_is_longer() -> None:
    doubted = speaker(not_normal=(said(state="LeastPreferred"),))
    assert told_by_node1(doubted) == {
        "node1": ("least_preferred", "healthCheckFailed"),
        "node2": ("normal", ""),
        "node3": ("normal", ""),
    }
    shown = vips(answer(replace(world(cluster()), speakers=[("node1", doubted)])))["node1"]
    assert {len(route.as_path) for route in shown.routes} == {13}


def test_one_that_the_speaker_withdraws_for_it_is_withdrawn() -> None:
    withdrawn = speaker(not_normal=(said(state=Announcement.WITHDRAWN.value),))
    assert told_by_node1(withdrawn)["node1"] == ("withdrawn", "healthCheckFailed")
    assert told_by_node1(speaker(not_normal=(said(),)))["node1"] == ("withdrawn", "healthCheckFailed")


@pytest.mark.parametrize("reason", ["stale", "dataPathSilent"])
def test_a_node_that_doubts_itself_is_least_preferred_for_all(reason: str) -> None:
    status = msgspec.structs.replace(speaker(), drain=Drain(reason=reason, since=NOW))
    assert told_by_node1(status)["node1"] == ("least_preferred", reason)
