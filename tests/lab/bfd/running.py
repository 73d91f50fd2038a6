"""A running deployment with BFD at 3 x 100 ms on all node ports, and what its ToRs' bfdd say."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from herald.lab.deployment import Deployment
from herald.lab.topology import Bfd, Settings, rack
from herald.lab.waits import bfd_up
from tests.lab.fabric import fabric

FAST = Bfd(interval_ms=100)
DETECTION_S = 0.3
UP_S = 20.0


@asynccontextmanager
async def bfd_fabric(
    settings: Settings | None = None, *, graceful: Mapping[str, int] | None = None
) -> AsyncIterator[Deployment]:
    """A rack of two nodes unless said otherwise, one VIP; every BFD session is up at both ends. `graceful`: see `fabric`."""
    async with fabric(rack(settings or Settings(nodes=2, bfd=FAST)), services=["web"], graceful=graceful) as deployment:
        await all_up(deployment)
        yield deployment
        for bfd in deployment.bfds.values():
            assert "Traceback" not in bfd.output(), bfd.output()


async def all_up(deployment: Deployment) -> None:
    """As the ToRs see it, at the agreed intervals."""
    await bfd_up(deployment, UP_S)


async def times_down(deployment: Deployment, tor: str) -> dict[str, int]:
    """By peer, how often the ToR's BFD sessions have gone down."""
    counters = json.loads(await deployment.lab.routers[tor].vtysh("show bfd peers counters json"))
    return {each["peer"]: each["session-down"] for each in counters}
