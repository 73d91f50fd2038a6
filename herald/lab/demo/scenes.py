"""What happens in the demo, in order, as data: each scene's name, what is done, and which nodes must then announce what.
What is planned comes first, then what is not.

Only `act` and `after` do anything. A scene is over when both ToRs' kernels send traffic exactly where it says, and `after`,
if there is one, has returned.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from herald.kube.objects import Kind, ObjectKey
from herald.lab import manifests, waits
from herald.lab.deployment import Deployment
from herald.lab.topology import Bfd

WEB = ObjectKey("ingress", "web")
WEB_SLICE = "endpointslices/web.yaml"
WEB_NODE = "node2"
"""Where its endpoint fails."""
BFD = Bfd(interval_ms=100, multiplier=3)
DRAIN_S = 3
DRAIN_FILE = "drain.yaml"
RESTART_LIMIT_S = 30.0

Act = Callable[[Deployment], Awaitable[float]]
"""Returns when it began (monotonic)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """From `act` on `node` is `away` for `service`, or for all when that is None. No node: all must stay as it is.

    `planned`: no new connection may fail.
    """

    name: str
    title: str
    act: Act
    node: str | None = None
    away: bool = False
    limit_s: float
    service: ObjectKey | None = None
    planned: bool = False
    after: Callable[[Deployment], Awaitable[None]] | None = None
    note: str = ""


async def _unready(deployment: Deployment) -> float:
    return deployment.set_ready(WEB_SLICE, WEB_NODE, ready=False)


async def _ready(deployment: Deployment) -> float:
    return deployment.set_ready(WEB_SLICE, WEB_NODE, ready=True)


def _on_lab(verb: str, node: str) -> Act:
    """To the node's cables to the ToRs. One to a control plane is left alone: there nothing of Herald's is to be seen."""

    async def act(deployment: Deployment) -> float:
        at = time.monotonic()
        for tor in deployment.tors:
            await getattr(deployment.lab, verb)(node, tor)
        return at

    return act


def _drain(node: str) -> Act:
    async def act(deployment: Deployment) -> float:
        spec = {"nodes": [node], "drainSeconds": DRAIN_S, "reason": "the demo drains it"}
        return deployment.write(DRAIN_FILE, manifests.dump([manifests.manifest(Kind.DRAIN, node, spec)]))

    return act


async def _undrain(deployment: Deployment) -> float:
    at = time.monotonic()
    deployment.remove(DRAIN_FILE)
    return at


async def _restart_speakers(deployment: Deployment) -> float:
    """One after the other, as a DaemonSet's rolling update does."""
    at = time.monotonic()
    for node in deployment.nodes:
        ended = deployment.speakers[node]
        ended.terminate()
        await ended.wait(RESTART_LIMIT_S)
        restarted = time.monotonic()
        deployment.start_speaker(node)
        await waits.sessions_anew(deployment, node, restarted, RESTART_LIMIT_S)
    return at


SCENES = (
    Scene(
        name="speakers-restarted",
        title="the speakers are restarted one by one, on peers with graceful restart",
        act=_restart_speakers,
        limit_s=15,
        planned=True,
    ),
    Scene(
        name="node-drained",
        title=f"node1 is drained: least preferred at once, withdrawn {DRAIN_S} s later",
        act=_drain("node1"),
        node="node1",
        away=True,
        limit_s=10,
        planned=True,
        after=lambda deployment: waits.no_paths(deployment, "node1", DRAIN_S + 10.0),
    ),
    Scene(
        name="node-undrained",
        title="the drain of node1 is over",
        act=_undrain,
        node="node1",
        limit_s=20,
        planned=True,
        note="deleted configuration holds on for 2 s, on an API server for 10 s",
    ),
    Scene(
        name="endpoint-unhealthy",
        title="the endpoint of ingress/web on node2 turns unhealthy",
        act=_unready,
        node=WEB_NODE,
        away=True,
        service=WEB,
        limit_s=5,
    ),
    Scene(
        name="endpoint-healthy",
        title="it is healthy again",
        act=_ready,
        node=WEB_NODE,
        service=WEB,
        limit_s=5,
    ),
    Scene(
        name="links-cut",
        title="both links of node1 are cut",
        act=_on_lab("cut", "node1"),
        node="node1",
        away=True,
        limit_s=5,
    ),
    Scene(
        name="links-restored",
        title="they are plugged in again",
        act=_on_lab("restore", "node1"),
        node="node1",
        limit_s=30,
    ),
    Scene(
        name="node-silenced",
        title="node3 goes silent: every frame to and from it is dropped, links stay up",
        act=_on_lab("silence", "node3"),
        node="node3",
        away=True,
        limit_s=5,
        note=f"found by BFD, {BFD.multiplier} x {BFD.interval_ms} ms",
    ),
    Scene(
        name="node-back",
        title="node3 is heard again",
        act=_on_lab("unsilence", "node3"),
        node="node3",
        limit_s=30,
    ),
)
