"""`herald bfd` on a lab's node, and what a speaker there would hear from it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from bgp_config.names import IPAddress
from herald.lab import wiring
from herald.lab.command import run
from herald.lab.lab import Lab
from herald.lab.namespace import NAMESPACES
from herald.lab.process import Process
from herald.lab.rib import BfdSession
from herald.lab.topology import Bfd, Settings, rack
from herald.lab.waiting import until
from speaker.bfd.client import BfdClient
from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status

FAST = Profile(interval_ms=100)
SLOW_MS = 1000
UP_S = 10.0
"""bgpd makes a session some seconds after it has started; then both ends are slow until they are up."""


@dataclass(slots=True)
class BfdNode:
    """The program on node1, a client of it, and all that the client heard, in order."""

    lab: Lab
    heard: list[Status] = field(default_factory=list)
    process: Process = field(init=False)
    client: BfdClient = field(init=False)
    _listening: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.start()
        self.listen()

    def listen(self) -> None:
        """As a speaker that has just started: it wants nothing yet."""
        self.heard.clear()
        self.client = BfdClient(self.lab.directory_of("node1") / "bfd.sock", self.heard.append)
        self._listening = asyncio.create_task(self.client.run())

    async def forsake(self) -> None:
        """The speaker is gone."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    def start(self) -> None:
        argv = [sys.executable, "-m", "herald", "bfd", "--runtime-dir", str(self.lab.directory_of("node1"))]
        self.process = self.lab.start("node1", argv, name="bfd")

    def hop(self, tor: str = "tor1", version: int = 4) -> Hop:
        cable = self.lab.topology.cable("node1", tor)
        return Hop(local=cable.lower.address(version), peer=cable.upper.address(version))

    def state(self, hop: Hop) -> State | None:
        status = self.client.statuses.get(hop)
        return status.state if status else None

    async def hears(self, wanted: Callable[[Status], bool], timeout_s: float = UP_S, *, after: int = 0) -> Status:
        """The first such status, of those from number `after` on."""

        def first() -> Status | None:
            return next((status for status in self.heard[after:] if wanted(status)), None)

        found = await until(first, timeout_s, every_s=0.005)
        assert found is not None
        return found

    async def up(self, *hops: Hop, timeout_s: float = UP_S) -> None:
        """Both ends of all these say so, and have agreed on their profiles' intervals."""
        for hop in hops:
            await until(partial(self._up, hop), timeout_s)

    async def peer(self, hop: Hop) -> BfdSession:
        """As the ToR's bfdd has it."""
        session = await self._peer(hop)
        assert session is not None
        return session

    async def _peer(self, hop: Hop) -> BfdSession | None:
        """None: bgpd has not asked for it yet."""
        router = next(r for r in self.lab.routers.values() if hop.peer in _addresses(self.lab, r.name))
        return (await router.bfd_sessions()).get(hop.local)

    async def _up(self, hop: Hop) -> bool:
        session = await self._peer(hop)
        return self.state(hop) is State.UP and session is not None and session.up and session.remote_transmit_ms < SLOW_MS


@asynccontextmanager
async def bfd_node(settings: Settings | None = None) -> AsyncIterator[BfdNode]:
    """A rack with one node unless said otherwise; ToRs ask for 3 x 100 ms."""
    async with Lab(rack(settings or Settings(nodes=1, bfd=Bfd(interval_ms=100)))) as lab:
        node = BfdNode(lab)
        try:
            await until(lambda: node.client.connected, 10)
            yield node
        finally:
            await node.forsake()
        assert "Traceback" not in node.process.output(), node.process.output()


async def mute(lab: Lab, sender: str, receiver: str) -> None:
    """Drops what the one sends to the other, in this direction only."""
    await _silenced(lab, "add", sender, receiver)


async def unmute(lab: Lab, sender: str, receiver: str) -> None:
    await _silenced(lab, "delete", sender, receiver)


async def _silenced(lab: Lab, verb: str, sender: str, receiver: str) -> None:
    inner = wiring.inner_end(lab.topology.cable(sender, receiver), sender)
    net = f"--net={NAMESPACES / lab.namespace(wiring.WIRE)}"
    await run("nsenter", net, "--", "nft", f'{verb} element netdev wire silenced {{ "{inner}" }}')


def _addresses(lab: Lab, router: str) -> set[IPAddress]:
    cables = lab.topology.cables_of(router)
    return {i.ip for cable in cables for end in (cable.upper, cable.lower) if end.machine == router for i in end.addresses}
