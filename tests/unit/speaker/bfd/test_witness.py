"""What the speaker says to the BFD program, and when; and how it follows what it hears."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bgp_config.names import NodeName, PeerName
from herald.kube.objects import Kind, KubeObject
from herald.kube.source import Gone, Synced, Upsert
from herald.lab.waiting import until
from speaker.bfd.metrics import BfdCollector
from speaker.bfd.packet import State
from speaker.bfd.policy import Standing
from speaker.bfd.watch import LINGER_S
from speaker.bfd.witness import SETTLE_S, BfdWitness
from speaker.core import Core
from tests.builders import manifest, node, peer_manifest, secret
from tests.unit.speaker.bfd.build import FAST, HOP, UP
from tests.unit.speaker.bfd.test_client import program
from tests.unit.speaker.test_status import NETWORK

PROFILE = manifest(Kind.BFD_PROFILE, "fast", {"intervalMilliseconds": 100})
PEER = peer_manifest("tor1", bfdProfile="fast")
WITH_PASSWORD = peer_manifest("tor1", bfdProfile="fast", passwordSecret={"namespace": "herald-system", "name": "tor1"})


def core_of(*things: KubeObject, synced: bool = True) -> Core:
    core = Core(NodeName("node1"), "herald-lb.io/bgp")
    core.learn(NETWORK)
    tell(core, things)
    if synced:
        core.apply(Synced(kind) for kind in Kind)
    core.step()
    return core


def tell(core: Core, things: Iterable[KubeObject]) -> None:
    for thing in things:
        core.apply([Upsert(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key, thing)])
    core.step()


class Loop:
    """The daemon's: it turns when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.woken: list[float] = []
        self.bfd = BfdWitness(directory, lambda: self.woken.append(time.monotonic()))
        self._task = asyncio.create_task(self.bfd.client.run())

    def turn(self, core: Core, now: float | None = None) -> None:
        self.bfd.follow(core, (), time.monotonic() if now is None else now)

    def standing(self, core: Core) -> Standing:
        return self.bfd.report(core.peering, time.monotonic()).peers[PeerName("tor1")].verdict.standing

    def changes(self, core: Core) -> int:
        return self.bfd.report(core.peering, time.monotonic()).peers[PeerName("tor1")].changes

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_before_everything_is_listed_nothing_is_said_so_that_sessions_stay_as_they_are(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop = Loop(tmp_path)
        await until(lambda: loop.bfd.client.connected, 5)
        loop.turn(core_of(node(), PROFILE, PEER, synced=False))
        loop.turn(core_of(node(), PROFILE, PEER))
        await until(lambda: running.wishes, 5)
        assert running.wishes == [{HOP: FAST}]
        await loop.end()


async def test_a_peer_that_waits_for_its_password_loses_no_bfd_session_at_the_start(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop, core = Loop(tmp_path), core_of(node(), PROFILE, WITH_PASSWORD)
        await until(lambda: loop.bfd.client.connected, 5)
        loop.turn(core)
        tell(core, [secret("tor1", "correct-horse")])
        loop.turn(core)
        await until(lambda: running.wishes, 5)
        assert running.wishes == [{HOP: FAST}]
        await loop.end()


async def test_a_peer_that_lacks_its_password_for_long_holds_up_no_other(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop, core = Loop(tmp_path), core_of(node(), PROFILE, WITH_PASSWORD)
        await until(lambda: loop.bfd.client.connected, 5)
        loop.turn(core, 100.0)
        loop.turn(core, 100.0 + SETTLE_S)
        await until(lambda: running.wishes, 5)
        assert running.wishes == [{}]
        await loop.end()


async def test_a_failure_turns_the_loop_at_once_and_again_when_the_session_is_to_be_closed(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop, core = Loop(tmp_path), core_of(node(), PROFILE, PEER)
        loop.turn(core)
        await until(lambda: running.wishes, 5)
        running.tell(UP)
        await until(lambda: loop.woken, 5)
        down = replace(UP, state=State.DOWN, diag=1, since=time.monotonic())
        running.tell(down)
        await until(lambda: len(loop.woken) == 2, 5)
        loop.turn(core)
        assert loop.standing(core) is Standing.FAILING
        await until(lambda: len(loop.woken) == 3, 5)
        loop.turn(core)
        assert loop.standing(core) is Standing.DOWN
        assert loop.woken[-1] - down.since >= UP.peer_detection_time_s
        await loop.end()


async def test_a_link_that_is_watched_no_more_leaves_no_count_behind(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop, core = Loop(tmp_path), core_of(node(), PROFILE, PEER)
        loop.turn(core)
        await until(lambda: running.wishes, 5)
        running.tell(UP)
        running.tell(replace(UP, state=State.DOWN, diag=1))
        await until(lambda: loop.changes(core) == 1, 5)
        core.apply([Gone(Kind.BGP_PEER, PEER.key)])
        core.step()
        now = time.monotonic()
        loop.turn(core, now)
        loop.turn(core, now + LINGER_S)
        tell(core, [PEER])
        loop.turn(core)
        assert loop.changes(core) == 0
        await loop.end()


async def test_metrics_tell_what_the_program_told(tmp_path: Path) -> None:
    with program(tmp_path / "bfd.sock") as running:
        loop, core = Loop(tmp_path), core_of(node(), PROFILE, PEER)
        collector = BfdCollector(loop.bfd, core)
        assert list(collector.collect()) == []
        loop.turn(core)
        assert _samples(collector)["herald_bfd_session_up"] == 0
        await until(lambda: running.wishes, 5)
        running.tell(UP)
        await until(lambda: loop.bfd.client.statuses, 5)
        samples = _samples(collector)
        assert samples["herald_bfd_session_up"] == 1
        assert samples["herald_bfd_session_detection_time_seconds"] == UP.detection_time_s
        assert (samples["herald_bfd_program_real_time"], samples["herald_bfd_program_memory_locked"]) == (1, 0)
        assert samples["herald_bfd_packets_discarded_total"] == 3
        await loop.end()


def _samples(collector: BfdCollector) -> dict[str, float]:
    return {sample.name: sample.value for family in collector.collect() for sample in family.samples}
