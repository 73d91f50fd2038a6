"""What happens in the demo, in order, as data: each scene's name, what is done, and which nodes must then announce what.

Only `act` does anything. A scene is over when both ToRs' kernels send traffic exactly where it says.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from herald.kube.objects import ObjectKey
from herald.lab.deployment import Deployment

WEB = ObjectKey("ingress", "web")
WEB_SLICE = "endpointslices/web.yaml"
WEB_NODE = "node2"
"""Where its endpoint fails."""
HOLD_TIME_S = 9
"""As in deploy/examples/peers.yaml: how long a router waits for a silent peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`act` returns when it began (monotonic). From then on `node` is `away` for `service`, or for all when that is None."""

    name: str
    title: str
    act: Callable[[Deployment], Awaitable[float]]
    node: str
    away: bool
    limit_s: float
    service: ObjectKey | None = None
    note: str = ""


async def _unready(deployment: Deployment) -> float:
    return deployment.set_ready(WEB_SLICE, WEB_NODE, ready=False)


async def _ready(deployment: Deployment) -> float:
    return deployment.set_ready(WEB_SLICE, WEB_NODE, ready=True)


def _on_lab(verb: str, node: str) -> Callable[[Deployment], Awaitable[float]]:
    async def act(deployment: Deployment) -> float:
        at = time.monotonic()
        await getattr(deployment.lab, verb)(node)
        return at

    return act


SCENES = (
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
        away=False,
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
        away=False,
        limit_s=30,
    ),
    Scene(
        name="node-silenced",
        title="node3 goes silent: every frame is dropped, links stay up",
        act=_on_lab("silence", "node3"),
        node="node3",
        away=True,
        limit_s=HOLD_TIME_S + 6,
        note=f"found by BGP's hold time of {HOLD_TIME_S} s",
    ),
    Scene(
        name="node-back",
        title="node3 is heard again",
        act=_on_lab("unsilence", "node3"),
        node="node3",
        away=False,
        limit_s=30,
    ),
)
