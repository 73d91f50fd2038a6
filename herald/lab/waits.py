"""What is waited for beyond routes in the ToRs' kernels. Each raises LabError when it does not come in time."""

import time
from collections.abc import Awaitable, Callable

from herald.lab.command import LabError
from herald.lab.deployment import Deployment
from herald.lab.waiting import until

UPTIME_ERROR_S = 1.0
"""FRR tells since when a session is up in whole seconds."""


async def no_paths(deployment: Deployment, node: str, timeout_s: float) -> None:
    """No ToR has any route from this node, not even one that it does not use."""

    async def none_left() -> bool:
        for tor in deployment.tors:
            node_of = deployment.node_addresses(tor)
            if node in {node_of.get(path.peer) for path in await deployment.lab.routers[tor].rib()}:
                return False
        return True

    await _within(none_left, timeout_s, f"{node} is drained, but a ToR still has routes from it")


async def sessions_anew(deployment: Deployment, node: str, since: float, timeout_s: float) -> None:
    """Every ToR has a session with this node that began after `since` (monotonic), and has been told all of its routes."""

    async def all_new() -> bool:
        for tor in deployment.tors:
            router, node_of = deployment.lab.routers[tor], deployment.node_addresses(tor)
            found = [each for peer, each in (await router.sessions()).items() if node_of.get(peer) == node]
            new = [s for s in found if s.established and time.monotonic() - s.state_s > since - UPTIME_ERROR_S]
            if not new or any(path.stale for path in await router.rib() if node_of.get(path.peer) == node):
                return False
        return True

    await _within(all_new, timeout_s, f"the speaker of {node} was restarted, but has no sessions with all of its routes")


async def bfd_up(deployment: Deployment, timeout_s: float) -> None:
    """Every ToR's BFD session with every node is up, at the agreed interval."""
    settings = deployment.lab.topology.settings
    if settings.bfd is None:
        return
    agreed_ms, wanted = settings.bfd.interval_ms, len(deployment.nodes) * (2 if settings.ipv6 else 1)

    async def all_up() -> bool:
        for tor in deployment.tors:
            sessions = (await deployment.lab.routers[tor].bfd_sessions()).values()
            if sum(1 for session in sessions if session.up and session.remote_transmit_ms <= agreed_ms) < wanted:
                return False
        return True

    await _within(all_up, timeout_s, "not every BFD session of the ToRs with the nodes is up")


async def _within(holds: Callable[[], Awaitable[bool]], timeout_s: float, otherwise: str) -> None:
    try:
        await until(holds, timeout_s)
    except TimeoutError:
        raise LabError(otherwise) from None
