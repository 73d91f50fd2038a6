"""A speaker that is dead is Unknown within a minute; one that lives is left alone, and one that is back takes over again."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.client import APPLY_PATCH
from herald.lab.kube.helm import install
from herald.lab.manifests import Manifest
from tests.kube.controllers import clear, controllers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

HERALD = "/apis/herald-lb.io/v1alpha1"
BEAT_S = 15.0
AT = "2026-01-01T00:00:00Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    async with running(tmp_path_factory.mktemp("kube")) as server:
        await install(server.client)
        yield server


def say(server: ApiServer, kind: str, name: str, status: Manifest) -> None:
    """As the speaker does."""
    plural = f"{kind.lower()}s"
    body = {"apiVersion": "herald-lb.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "status": status}
    path = f"{HERALD}/{plural}/{name}/status?fieldManager=herald-speaker&force=true"
    server.client.request("PATCH", path, body, content_type=APPLY_PATCH)


def beat(server: ApiServer, node: str) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": AT}
    heartbeat = datetime.now(UTC).isoformat()
    say(server, "BGPNode", node, {"version": "1", "heartbeat": heartbeat, "conditions": [ready]})


def session(server: ApiServer, node: str) -> None:
    addresses = {"peerAddress": "10.1.1.0", "peerASN": 65001, "localASN": 64512, "prefixes": 0}
    status = {"node": node, "peer": "tor1", **addresses, "state": "Established", "since": AT}
    say(server, "BGPSession", f"{node}.tor1", status)


def ready(server: ApiServer, node: str) -> str:
    found: dict[str, Any] = server.client.get(f"{HERALD}/bgpnodes/{node}")
    return next(str(each["status"]) for each in found["status"]["conditions"] if each["type"] == "Ready")


def state(server: ApiServer, node: str) -> str:
    return str(server.client.get(f"{HERALD}/bgpsessions/{node}.tor1")["status"]["state"])


async def test_the_objects_of_a_dead_speaker_turn_unknown_within_a_minute(installed: ApiServer, tmp_path: Path) -> None:
    clear(installed)
    for node in ("dead", "alive"):
        for kind, name in (("BGPNode", node), ("BGPSession", f"{node}.tor1")):
            manifest = {"apiVersion": "herald-lb.io/v1alpha1", "kind": kind, "metadata": {"name": name}}
            installed.client.apply([manifest])
        session(installed, node)
        beat(installed, node)
    async with controllers(installed, tmp_path, ["one"]) as pods:
        pods.replicas["one"].start()
        await pods.leader()
        await asyncio.sleep(10)  # it has looked by now
        beat(installed, "dead")
        died_at = beaten_at = time.monotonic()
        while ready(installed, "dead") != "Unknown" or state(installed, "dead") != "Unknown":
            assert time.monotonic() - died_at < 60
            if time.monotonic() - beaten_at > BEAT_S:
                beat(installed, "alive")
                beaten_at = time.monotonic()
            await asyncio.sleep(0.5)
        assert time.monotonic() - died_at > 40
        assert (ready(installed, "alive"), state(installed, "alive")) == ("True", "Established")
        beat(installed, "dead")
        session(installed, "dead")
        assert (ready(installed, "dead"), state(installed, "dead")) == ("True", "Established")
        await asyncio.sleep(10)  # it looks again, and leaves it
        assert (ready(installed, "dead"), state(installed, "dead")) == ("True", "Established")
