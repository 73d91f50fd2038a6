"""What a lab's routers have of a node that is drained, all the while or at last."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bgp_config.names import IPAddress, host_prefix
from herald.lab.deployment import Deployment
from herald.lab.router import Router
from herald.lab.topology import MachineName
from tests.lab.fabric import vip

SOON_S = 15.0
SESSIONS_S = 30.0


async def paths_through(deployment: Deployment, node: str, tor: str) -> list[int]:
    """The lengths of the AS paths that this ToR has through the node, for the Service web."""
    ends = ends_of(deployment, node, tor)
    paths = await router(deployment, tor).paths(host_prefix(vip(deployment, "web")))
    return [len(path.as_path) for path in paths if not ends.isdisjoint(path.next_hops)]


def router(deployment: Deployment, tor: str) -> Router:
    return deployment.lab.routers[MachineName(tor)]


def ends_of(deployment: Deployment, node: str, tor: str) -> set[IPAddress]:
    return {address for address, name in deployment.node_addresses(tor).items() if name == node}


async def gone_from(deployment: Deployment, node: str, timeout_s: float) -> None:
    """No ToR has a path through it, however little preferred."""
    deadline = time.monotonic() + timeout_s
    for tor in deployment.tors:
        while await paths_through(deployment, node, tor):
            assert time.monotonic() < deadline, f"{tor} still has a path through {node}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def never_normal(deployment: Deployment, node: str) -> AsyncIterator[None]:
    """All the while no ToR's kernel sends anything to it."""
    async with AsyncExitStack() as stack:
        lab, tors = deployment.lab, deployment.tors
        followed = {tor: await stack.enter_async_context(lab.follow_routes(tor)) for tor in tors}
        yield
        for tor, routes in followed.items():
            ends = ends_of(deployment, node, tor)
            assert [event for event in routes.events if not ends.isdisjoint(event.next_hops or ())] == []


async def restart(deployment: Deployment, node: str) -> None:
    """Speaker and controller are killed, and others started. Returns when the node's sessions are up again."""
    assert deployment.controller
    for process in (deployment.controller, deployment.speakers[node]):
        process.kill()
        await process.wait(SOON_S)
    await sessions(deployment, node, up=False)
    deployment.start_controller()
    deployment.start_speaker(node)
    await sessions(deployment, node, up=True)


async def sessions(deployment: Deployment, node: str, *, up: bool) -> None:
    """Returns when every ToR has a session with the node, or none has."""
    deadline = time.monotonic() + SESSIONS_S
    for tor in deployment.tors:
        ends = ends_of(deployment, node, tor)
        while up is not await has_session(deployment, tor, ends):
            assert time.monotonic() < deadline, f"{tor} has{' no' if up else ' still a'} session with {node}"
            await asyncio.sleep(0.1)


async def has_session(deployment: Deployment, tor: str, ends: set[IPAddress]) -> bool:
    found = await router(deployment, tor).sessions()
    return any(session.established for peer, session in found.items() if peer in ends)
