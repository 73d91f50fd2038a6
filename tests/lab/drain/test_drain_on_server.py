"""A drain on a real API server: what speakers say ends the wait, no new connection fails, and undrain counts at once."""

import time

import pytest

from herald.lab import waiting
from herald.lab.deployment import until
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, rack
from herald.lab.traffic import LoadPlan
from tests.lab.drain.commands import on_server
from tests.lab.drain.routers import SOON_S, gone_from, never_normal, restart
from tests.lab.fabric import everywhere, fabric, without

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

HELD_S = 10.0
"""For so long the end of a configuration object is held: undrain must not take that."""


def of(deployment: KubeDeployment, plural: str, name: str) -> Manifest:
    status: Manifest = deployment.cluster.api.client.get(f"/apis/herald-lb.io/v1alpha1/{plural}/{name}")["status"]
    return status


def phase(deployment: KubeDeployment) -> str:
    (node,) = of(deployment, "drains", "node1")["nodes"]
    found: str = node["phase"]
    return found


def events(deployment: KubeDeployment) -> set[tuple[str, str]]:
    """What `kubectl describe drain` shows."""
    path = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.kind=Drain"
    return {(each["reason"], each["message"]) for each in deployment.cluster.api.client.get(path)["items"]}


def condition(status: Manifest, type_: str) -> tuple[str, str]:
    (found,) = (each for each in status["conditions"] if each["type"] == type_)
    return found["status"], found["reason"]


async def test_a_drain_on_the_api_server_fails_no_connection_and_survives_restarts_of_both() -> None:
    async with fabric(rack(Settings(control=True)), kube=True) as deployment:
        assert isinstance(deployment, KubeDeployment)
        operator, expected = on_server(deployment), everywhere(deployment)
        load = deployment.lab.start_load(list(expected), LoadPlan(rate=100))
        assert (await operator.drain("node1", "--seconds", "8", "--reason", "new disks")).code == 0
        await deployment.routed(without(expected, "node1"), SOON_S)
        async with never_normal(deployment, "node1"):
            await restart(deployment, "node1")  # while it drains
            assert phase(deployment) == "Draining"
            answer = await operator.drain("node1", "--seconds", "8", "--reason", "new disks", "--wait")
        assert (answer.code, answer.lines[-1]) == (0, "node1: Drained"), answer
        await gone_from(deployment, "node1", 1)
        assert condition(of(deployment, "drains", "node1"), "Ready") == ("True", "Drained")
        assert of(deployment, "bgpnodes", "node1")["drain"]["reason"] == "drained"
        await waiting.until(lambda: events(deployment) >= {("Draining", "node1"), ("Drained", "node1")}, 5)
        async with never_normal(deployment, "node1"):
            await restart(deployment, "node1")  # when it is drained
            await gone_from(deployment, "node1", 1)
        assert (await operator.undrain("node1")).code == 0
        ended = time.monotonic()
        await deployment.routed(expected, HELD_S)
        assert time.monotonic() - ended < HELD_S - 1
        report = await load.finish()
        assert report.requests > 500
        assert report.failed == 0, report.failures


async def test_the_last_announcer_by_the_word_of_the_speakers_is_not_drained() -> None:
    """The other node has an endpoint too, but no session."""
    async with fabric(rack(Settings(nodes=2, control=True)), kube=True, services=["web"]) as deployment:
        assert isinstance(deployment, KubeDeployment)
        operator, expected = on_server(deployment), everywhere(deployment)
        for tor in deployment.tors:
            await deployment.lab.cut("node2", tor)
        await deployment.routed(without(expected, "node2"), SOON_S)
        await until(lambda: established(deployment, "node2") == 0, HELD_S, lambda: "it has not said that it has no session")
        refused = await operator.drain("node1", "--wait", "--timeout", "3")
        assert refused.code == 1
        assert any("(lastAnnouncer)" in line for line in refused.lines), refused
        assert condition(of(deployment, "drains", "node1"), "Stalled") == ("True", "lastAnnouncer")
        await deployment.routed(without(expected, "node2"), 1)


def established(deployment: KubeDeployment, node: str) -> int:
    count: int = of(deployment, "bgpnodes", node)["counts"]["established"]
    return count
