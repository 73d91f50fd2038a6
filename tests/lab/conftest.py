"""Labs for tests, each taken down whatever becomes of the test. Raising one takes a third of a second, so none is shared."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from herald.lab import topology
from herald.lab.lab import Lab
from herald.lab.topology import Topology

RaiseLab = Callable[[Topology], Awaitable[Lab]]


@pytest.fixture
async def raise_lab() -> AsyncIterator[RaiseLab]:
    """Raises labs of the test's own choice; the ToRs' sessions with the spine are up."""
    async with AsyncExitStack() as labs:

        async def raise_one(plan: Topology) -> Lab:
            lab = await labs.enter_async_context(Lab(plan))
            await lab.fabric_up()
            return lab

        yield raise_one


@pytest.fixture
async def rack(raise_lab: RaiseLab) -> Lab:
    """Three nodes on two ToRs, eBGP, IPv4."""
    return await raise_lab(topology.rack())


@pytest.fixture
async def two_racks(raise_lab: RaiseLab) -> Lab:
    return await raise_lab(topology.two_racks())
