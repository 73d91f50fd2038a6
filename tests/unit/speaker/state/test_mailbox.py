"""Through the mailbox: what a new speaker decides by, with what the last one wrote down, whatever the source does."""

import asyncio
from collections.abc import Callable

from bgp_config.names import NodeName
from herald.kube.objects import Kind, KubeObject
from herald.kube.source import Change, Synced
from speaker.core import Core
from speaker.state.file import Whole
from speaker.state.mailbox import RecallingChanges
from speaker.state.memory import Memory
from speaker.state.recall import Manners, Recall
from speaker.state.record import decode, kind_of
from tests.builders import peer_manifest, secret
from tests.unit.speaker.test_core import CONFIG, NETWORK, announced, core, one_service, upsert

WEB, DB = one_service("web", "198.51.100.7"), one_service("db", "198.51.100.8")
SECURED = peer_manifest(passwordSecret={"namespace": "herald-system", "name": "tor1"})


def left(*objects: KubeObject) -> tuple[KubeObject, ...]:
    """What a speaker that knew all this leaves behind."""
    memory, before = Memory(()), core([])
    for thing in objects:
        memory.hear(upsert(thing), before.cluster, 0.0)
        before.apply([upsert(thing)])
    before.step()
    memory.follow(before, (), 0.0)
    lines = [*(memory.state(before, ()) or ()), *(memory.passwords(before) or ())]
    return decode(Whole(lines=tuple(lines)).lines).objects


class Successor:
    def __init__(self, *remembered: KubeObject) -> None:
        self.changes = RecallingChanges(Recall(remembered, Manners(hold_s=10.0)))
        self.core = Core(NodeName("node1"), "herald-lb.io/bgp")
        self.core.learn(NETWORK)
        self.core.apply([upsert(each) for each in remembered])

    async def turn(self, *said: Change) -> dict[str, set[str]]:
        """What is announced once the source has said this."""
        for change in said:
            self.changes.post(change)
        self.changes.wake()
        self.core.apply(await self.changes.take())
        self.core.step()
        return announced(self.core) if self.core.cluster.synced else {}


def listed(*objects: KubeObject) -> list[Change]:
    return [*map(upsert, objects), *map(Synced, Kind)]


async def until_stale(successor: Successor, holds: Callable[[], bool]) -> None:
    settling = asyncio.create_task(successor.changes.settle(0.05))
    async with asyncio.timeout(5):
        while not holds():
            await successor.turn()
            await asyncio.sleep(0.01)
    settling.cancel()


async def test_nothing_is_decided_on_what_is_remembered_alone_until_the_source_takes_too_long() -> None:
    successor = Successor(*left(*CONFIG, *WEB))
    assert await successor.turn() == {}
    assert not successor.core.cluster.synced
    await until_stale(successor, lambda: successor.core.cluster.synced)
    assert announced(successor.core) == {"tor1": {"198.51.100.7"}}
    assert Kind.SERVICE in successor.core.cluster.stale


async def test_when_the_source_comes_back_what_it_does_not_tell_of_is_gone_and_nothing_is_stale() -> None:
    successor = Successor(*left(*CONFIG, *WEB, *DB))
    await until_stale(successor, lambda: successor.core.cluster.synced)
    assert await successor.turn(*listed(*CONFIG, *WEB)) == {"tor1": {"198.51.100.7"}}
    assert successor.core.cluster.stale == {}


async def test_what_became_invalid_meanwhile_is_never_announced() -> None:
    successor = Successor(*left(*CONFIG, *WEB, *DB))
    assert await successor.turn(*listed(*CONFIG, *DB)) == {"tor1": {"198.51.100.8"}}


async def test_an_object_that_was_broken_meanwhile_keeps_the_form_that_the_last_speaker_knew_to_be_good() -> None:
    successor = Successor(*left(*CONFIG, *WEB))
    broken = [peer_manifest(peerPort="none") if kind_of(each) is Kind.BGP_PEER else each for each in CONFIG]
    assert await successor.turn(*listed(*broken, *WEB)) == {"tor1": {"198.51.100.7"}}


async def test_passwords_are_handed_on_but_not_in_the_file_of_everything_else() -> None:
    config = [SECURED if kind_of(each) is Kind.BGP_PEER else each for each in CONFIG]
    objects = (*config, *WEB, secret("tor1", "s3cret"), secret("others", "0ther"))
    successor = Successor(*left(*objects))
    await until_stale(successor, lambda: successor.core.cluster.synced)
    (spec,) = successor.core.peering.sessions.values()
    assert spec.password == b"s3cret"
    memory, before = Memory(()), core(list(objects))
    assert b"s3cret" not in b"".join(memory.state(before, ()) or ())
    passwords = b"".join(memory.passwords(before) or ())
    assert b"s3cret" in passwords
    assert b"0ther" not in passwords
