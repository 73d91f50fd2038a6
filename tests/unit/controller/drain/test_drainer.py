"""The loop: what is granted is never forgotten, whatever fails, and slices are read only while somebody waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace

from bgp_config.names import NodeName
from bgp_config.status.condition import ConditionType
from bgp_config.status.drain import DrainedNode, DrainStatus, Phase, grant_of
from controller.drain.announcers import Voice, Voices
from controller.drain.drainer import Drainer
from controller.drain.grants import Limits
from controller.plan import KINDS, Plan
from herald.kube.api import ConflictError
from herald.kube.objects import ConfigManifest, ConfigStatus, Kind, KubeObject, Metadata, ObjectKey
from herald.kube.source import Changes, Gone, Synced, Upsert
from herald.lab.waiting import until
from tests.builders import advertisement_manifest, endpoint, endpoint_slice, node, peer_manifest, pool_manifest, service

WITHIN_S = 5.0
GRANTED = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
NODES = ("node1", "node2", "node3")
SLICE = endpoint_slice("web", [endpoint(name, f"10.244.0.{n}") for n, name in enumerate(NODES, 1)])
OBJECTS: list[KubeObject] = [
    *(node(name) for name in NODES),
    pool_manifest(),
    peer_manifest(),
    advertisement_manifest(),
    service("web", "198.51.100.1"),
]


def drain(name: str, *nodes: str, said: ConfigStatus | None = None, seconds: int = 1) -> ConfigManifest:
    spec = {"nodes": list(nodes or [name]), "drainSeconds": seconds}
    metadata = Metadata(name=name, uid=f"uid-{name}", creation_timestamp=f"2026-01-01T00:00:0{name[-1]}Z")
    return ConfigManifest(kind=Kind.DRAIN, metadata=metadata, spec=spec, status=said or ConfigStatus())


@dataclass(slots=True)
class Slices:
    """A Source of one EndpointSlice. Counts how often it was begun and ended."""

    begun: int = 0
    ended: int = 0

    async def run(self, changes: Changes) -> None:
        self.begun += 1
        changes.post(Upsert(Kind.ENDPOINT_SLICE, SLICE.key, SLICE))
        changes.post(Synced(Kind.ENDPOINT_SLICE))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended += 1


@dataclass(slots=True)
class Book:
    """A DrainWriter that keeps what is written, and fails as long as `failure` is set."""

    statuses: dict[str, DrainStatus] = field(default_factory=dict)
    failure: Exception | None = None
    tries: int = 0
    leftovers: frozenset[str] = frozenset()
    forgotten: set[str] = field(default_factory=set)

    async def write(self, drain: ConfigManifest, status: DrainStatus) -> None:
        self.tries += 1
        if self.failure:
            raise self.failure
        self.statuses[drain.metadata.name] = status

    async def forget(self, name: str) -> None:
        self.forgotten.add(name)

    async def known(self) -> frozenset[str]:
        return self.leftovers

    def node(self, name: str) -> DrainedNode | None:
        """The only node of the Drain."""
        status = self.statuses.get(name)
        return next(iter(status.nodes), None) if status else None

    def phase(self, name: str) -> Phase | None:
        found = self.node(name)
        return found.phase if found else None


@dataclass(slots=True)
class Mouths:
    """Speakers: all nodes announce, unless told otherwise."""

    said: dict[NodeName, Voice] = field(default_factory=lambda: {NodeName(n): Voice(announces=True) for n in NODES})
    heard: int = 0
    meanwhile: Callable[[], None] = lambda: None

    async def voices(self) -> Voices:
        self.heard += 1
        await asyncio.sleep(0)
        self.meanwhile()
        return self.said


@dataclass(slots=True)
class Site:
    plan: Plan = field(default_factory=lambda: Plan("herald-lb.io/bgp"))
    book: Book = field(default_factory=Book)
    mouths: Mouths = field(default_factory=Mouths)
    slices: Slices = field(default_factory=Slices)
    leads: bool = True
    withheld: set[str] = field(default_factory=set)

    def put(self, *things: KubeObject) -> None:
        for thing in things:
            self.plan.apply(Upsert(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key, thing))
        self.plan.settle()

    def drainer(self) -> Drainer:
        return Drainer(
            plan=self.plan,
            limits=Limits(),
            speakers=self.mouths,
            writer=self.book,
            open_source=lambda: self.slices,
            may_write=lambda: self.leads,
            withholds=lambda _, key: key.name in self.withheld,
        )

    async def holds(self, claim: Callable[[], object]) -> None:
        await until(claim, WITHIN_S)


@asynccontextmanager
async def running(site: Site, *drains: ConfigManifest) -> AsyncIterator[Drainer]:
    site.put(*OBJECTS, *drains)
    for kind in KINDS:
        site.plan.apply(Synced(kind))
    site.plan.settle()
    drainer = site.drainer()
    task = asyncio.create_task(drainer.run())
    yield drainer
    assert not task.done(), task.exception()
    task.cancel()


async def test_of_two_drains_in_a_rack_the_older_is_granted_and_the_younger_after_its_end() -> None:
    site = Site()
    async with running(site, drain("node2"), drain("node1")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        waiting = site.book.node("node2")
        assert waiting
        assert waiting.reason == "maxConcurrentDrains"
        site.plan.apply(Gone(Kind.DRAIN, ObjectKey("", "node1")))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node2") is Phase.DRAINING)
        assert site.book.forgotten == {"node1"}


async def test_a_node_is_drained_when_its_speaker_has_said_so() -> None:
    site = Site()
    async with running(site, drain("node1")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        found = site.book.node("node1")
        assert found
        assert found.granted
        grant = grant_of("uid-node1", found.granted)
        site.mouths.said[NodeName("node1")] = Voice(announces=False, grants=frozenset({grant}), drained=True)
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINED)
        ready = next(c for c in site.book.statuses["node1"].conditions if c.type == ConditionType.READY)
        assert (ready.status.value, ready.reason) == ("True", "Drained")
        assert [each.phase for each in drainer.nodes] == [Phase.DRAINED]


async def test_a_grant_whose_write_failed_counts_and_is_written_as_it_was() -> None:
    site = Site(book=Book(failure=OSError("the disk is full")))
    async with running(site, drain("node1"), drain("node2")) as drainer:
        await site.holds(lambda: site.book.tries > 2)
        (granted, waiting) = sorted(drainer.nodes, key=lambda each: each.node)
        assert (granted.phase, waiting.phase) == (Phase.DRAINING, Phase.WAITING)
        await asyncio.sleep(1.1)  # so that another grant would have another time
        site.book.failure = None
        await site.holds(lambda: site.book.node("node1") == granted)
        assert drainer.errors > 0
        assert site.book.phase("node2") is Phase.WAITING


async def test_a_conflict_is_no_error_and_tried_again() -> None:
    site = Site(book=Book(failure=ConflictError(409, "Conflict", "the object has been modified")))
    async with running(site, drain("node1")) as drainer:
        await site.holds(lambda: site.book.tries > 1)
        site.book.failure = None
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        assert drainer.errors == 0


async def test_a_drain_that_goes_while_speakers_are_asked_ends_nothing_but_itself() -> None:
    site = Site()
    async with running(site, drain("node1"), drain("node2")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        site.mouths.meanwhile = lambda: site.plan.apply(Gone(Kind.DRAIN, ObjectKey("", "node1")))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node2") is Phase.DRAINING)
        assert site.book.forgotten == {"node1"}


async def test_speakers_are_not_asked_at_every_change_of_the_cluster() -> None:
    site = Site()
    async with running(site, drain("node1")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        before, until_s = site.mouths.heard, asyncio.get_running_loop().time() + 1.5
        while asyncio.get_running_loop().time() < until_s:
            drainer.wake()
            await asyncio.sleep(0.01)
        assert site.mouths.heard - before <= 4


async def test_a_node_that_is_deleted_and_joins_again_keeps_its_grant() -> None:
    site = Site()
    async with running(site, drain("node1")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        granted = site.book.node("node1")
        heard = site.mouths.heard
        site.plan.apply(Gone(Kind.NODE, ObjectKey("", "node1")))
        drainer.wake()
        await site.holds(lambda: site.mouths.heard > heard + 1)
        assert site.book.node("node1") == granted
        site.put(node("node1"), drain("node2"))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node2") is Phase.WAITING)
        assert site.book.node("node1") == granted


async def test_a_new_life_reads_the_grants_off_the_statuses() -> None:
    first = Site()
    async with running(first, drain("node2")):
        await first.holds(lambda: first.book.phase("node2") is Phase.DRAINING)
    said = ConfigStatus(nodes=list(first.book.statuses["node2"].nodes))
    second = Site()
    async with running(second, drain("node1"), drain("node2", said=said)):
        await second.holds(lambda: second.book.phase("node2") is Phase.DRAINING)
        assert second.book.node("node2") == first.book.node("node2")
        assert second.book.phase("node1") is Phase.WAITING, "the older Drain does not get what is taken"


async def test_a_new_life_takes_no_grant_back_of_a_drain_that_it_refuses() -> None:
    said = ConfigStatus(nodes=[DrainedNode(node="node2", phase=Phase.DRAINING, since=GRANTED, granted=GRANTED)])
    refused = replace(drain("node2", said=said), spec={"nodes": "node2"})
    site = Site()
    async with running(site, drain("node1"), refused) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.WAITING)
        await site.holds(lambda: site.book.phase("node2") is Phase.DRAINING)
        assert site.book.node("node2") == said.nodes[0]
        accepted = next(c for c in site.book.statuses["node2"].conditions if c.type == ConditionType.ACCEPTED)
        assert accepted.status.value == "False"
        site.put(drain("node2", "node3"))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)


async def test_another_drain_of_the_name_has_none_of_the_old_ones_grants() -> None:
    site = Site()
    async with running(site, drain("node1")) as drainer:
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        site.mouths.said = {NodeName("node1"): Voice(announces=True)}
        again = drain("node1")
        site.put(replace(again, metadata=replace(again.metadata, uid="another")))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node1") is Phase.WAITING)
        await site.holds(lambda: getattr(site.book.node("node1"), "reason", "") == "lastAnnouncer")


async def test_slices_are_read_only_while_a_node_waits() -> None:
    site = Site()
    async with running(site) as drainer:
        await asyncio.sleep(0.2)
        assert site.slices.begun == 0
        site.put(drain("node1"))
        drainer.wake()
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)
        await site.holds(lambda: site.slices.ended == 1)
        assert site.slices.begun == 1


async def test_who_does_not_lead_grants_nothing_and_nothing_is_granted_before_all_is_listed() -> None:
    site = Site(leads=False)
    async with running(site, drain("node1")) as drainer:
        drainer.wake()
        await asyncio.sleep(0.2)
        assert site.book.tries == 0
        site.leads = True
        drainer.wake()
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)


async def test_what_an_earlier_life_left_of_drains_that_are_gone_is_forgotten() -> None:
    site = Site(book=Book(leftovers=frozenset({"node1", "old"})))
    async with running(site, drain("node1")):
        await site.holds(lambda: site.book.forgotten == {"old"})


async def test_what_an_earlier_life_left_of_a_drain_that_cannot_be_read_now_is_kept_until_it_is_known_to_be_gone() -> None:
    site = Site(book=Book(leftovers=frozenset({"broken", "gone", "mended"})), withheld={"broken", "mended"})
    async with running(site) as drainer:
        await site.holds(lambda: site.book.forgotten == {"gone"})
        site.put(drain("mended", "node1"))
        site.withheld.clear()
        drainer.wake()
        await site.holds(lambda: site.book.forgotten == {"gone", "broken"})
        drainer.wake()
        await site.holds(lambda: site.book.phase("mended") is Phase.DRAINING)
        assert site.book.forgotten == {"gone", "broken"}


async def test_what_an_earlier_life_left_of_a_drain_that_is_there_keeps_none_waiting() -> None:
    site = Site(book=Book(leftovers=frozenset({"node1"})), withheld={"node1"})
    async with running(site, drain("node1")):
        await site.holds(lambda: site.book.phase("node1") is Phase.DRAINING)


async def test_nothing_is_granted_while_a_drain_of_an_earlier_life_cannot_be_read() -> None:
    site = Site(book=Book(leftovers=frozenset({"node1"})), withheld={"node1"})
    async with running(site, drain("node2")) as drainer:
        await site.holds(lambda: getattr(site.book.node("node2"), "reason", "") == "otherDrainUnreadable")
        site.withheld.clear()
        drainer.wake()
        await site.holds(lambda: site.book.phase("node2") is Phase.DRAINING)
