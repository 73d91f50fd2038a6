"""A drained node: least preferred first, withdrawn when the wires have said so for long enough, normal without a grant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from bgp_config.status.drain import DrainedNode, Phase, grant_of
from bgp_config.status.node import MAX_GRANTS
from herald.kube.objects import ConfigManifest, ConfigStatus, Kind, Metadata, ObjectKey
from herald.kube.source import Change, Gone
from speaker.bfd.report import BfdReport
from speaker.core import Core
from speaker.drain import WIRE_LIMIT_S, DrainWitness
from speaker.evidence import Source, Standing
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.session import Closed, Established, InSync, Programmed, SessionSpec, SessionState
from speaker.statement import DataPathReport, Statement
from speaker.status import Moment, Since, node_status
from speaker.table import SessionRecord, SessionTable
from tests.builders import peer_manifest
from tests.unit.speaker.test_core import CONFIG, WEB, core, one_service, upsert

GRANTED = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
DRAIN_S = 3
DEFAULT_DRAIN_S = 30
HOLD_S = 90
NORMAL = (RouteState.NORMAL, None)
LEAST = (RouteState.LEAST_PREFERRED, Reason.DRAINING)
GONE = (RouteState.WITHDRAWN, Reason.DRAINED)
UNTIL = "2026-11-24T15:00:00Z"


def drain(
    name: str = "node1", phase: Phase | None = Phase.DRAINING, node: str = "node1", *, nodes: str = "node1", **spec: object
) -> ConfigManifest:
    """With the controller's word about one node. `phase` None: it has said nothing."""
    said = [] if phase is None else [DrainedNode(node=node, phase=phase, since=GRANTED, granted=GRANTED)]
    return ConfigManifest(
        kind=Kind.DRAIN,
        metadata=Metadata(name=name, uid=f"uid-{name}"),
        spec={"nodes": [nodes], "drainSeconds": DRAIN_S, **spec},
        status=ConfigStatus(nodes=said),
    )


def gone(name: str = "node1") -> Gone:
    return Gone(Kind.DRAIN, ObjectKey("", name))


@dataclass(slots=True)
class Bench:
    """A core with one Service and one peer. Wires say what they shall at once, unless `mute`."""

    core: Core = field(default_factory=lambda: core([*CONFIG, *one_service("web", "198.51.100.7")]))
    table: SessionTable = field(default_factory=SessionTable)
    wall: float = GRANTED.timestamp()
    mute: bool = False
    grants_itself: bool = False
    witness: DrainWitness = field(init=False)

    def __post_init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Another speaker on the same node."""
        self.witness = DrainWitness(table=self.table, wall=lambda: self.wall, grants_itself=self.grants_itself)

    def at(self, now: float, *changes: Change) -> tuple[RouteState, Reason | None]:
        """One turn of the loop; what is decided in it."""
        for change in changes:
            self.witness.hear(change, self.core.cluster, now)
            self.core.apply([change])
        self.witness.testify(self.core, now)
        self.core.step()
        if not self.mute:
            self.send(now)
        (vip,) = self.core.decisions[WEB[0]].vips
        return vip.state, vip.reason

    def said_at(self, now: float) -> Phase | None:
        """How far the node is by its BGPNode, after one turn of the loop."""
        self.at(now)
        told = Statement(data_path=DataPathReport(kind="none"), bfd=BfdReport(), progress=self.witness.progress)
        said = node_status(self.core, self.table, told, Since(), Moment(monotonic=now, utc=GRANTED)).drain
        return said.phase if said else None

    def send(self, now: float) -> None:
        for spec in self.core.peering.sessions.values():
            if self.table.records.get(spec) is None or self.table.records[spec].state is SessionState.DOWN:
                self.table.apply(Established(spec, now))
                self.table.apply(InSync(spec, now))
            wanted = self.core.ribs.table(spec)
            for prefix in {*wanted, *self.table.records[spec].on_wire}:
                if self.table.records[spec].on_wire.get(prefix) != wanted.get(prefix):
                    self.table.apply(Programmed(spec, now, prefix, wanted.get(prefix)))

    def lose_sessions(self, now: float) -> None:
        for spec in self.core.peering.sessions.values():
            self.table.apply(Closed(spec, now, "gone"))


def test_a_drained_node_is_least_preferred_for_its_time_then_withdrawn_and_normal_at_once_without_the_drain() -> None:
    bench = Bench()
    assert bench.at(100) == NORMAL
    assert bench.at(200, upsert(drain())) == LEAST
    assert bench.at(200 + DRAIN_S - 0.1) == LEAST
    assert bench.at(200 + DRAIN_S) == GONE
    assert bench.at(1000) == GONE
    assert bench.at(1001, gone()) == NORMAL


def test_nothing_happens_without_the_controllers_grant_for_this_very_node() -> None:
    bench = Bench()
    bench.at(100)
    assert bench.at(200, upsert(drain(phase=None))) == NORMAL
    assert bench.at(201, upsert(drain(phase=Phase.WAITING))) == NORMAL
    assert bench.at(202, upsert(drain(node="node2", nodes="node2"))) == NORMAL


def test_the_time_begins_when_the_last_route_is_on_the_wire() -> None:
    bench = Bench()
    bench.at(100)
    bench.mute = True
    assert bench.at(200, upsert(drain())) == LEAST
    assert bench.at(204) == LEAST
    bench.send(205)
    bench.mute = False
    assert bench.at(205 + DRAIN_S - 0.1) == LEAST
    assert bench.at(205 + DRAIN_S) == GONE


class CountingTable(SessionTable):
    """Counts how often somebody looks at what the wires have."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    @property
    def records(self) -> Mapping[SessionSpec, SessionRecord]:
        self.looks += 1
        return super().records


def test_the_wires_are_compared_again_only_when_something_may_be_another() -> None:
    bench = Bench(table=(table := CountingTable()))
    bench.at(100)
    bench.mute = True
    bench.at(200, upsert(drain(drainSeconds=60)))

    def looks() -> list[bool]:
        """Whether each of the next two turns looks at the wires."""
        bench.core.step()
        counts = [table.looks]
        for now in (203, 203.5):
            bench.at(now)
            counts.append(table.looks)
        return [before < after for before, after in pairwise(counts)]

    assert looks() == [True, False]
    bench.send(201)
    assert looks() == [True, False]
    bench.core.doubt(Source.HEALTH, WEB, Standing(RouteState.LAST_RESORT, Reason.HEALTH_CHECK_FAILED))
    assert looks() == [True, False]
    bench.lose_sessions(202)
    assert looks() == [True, False]


def test_a_router_that_is_away_or_takes_nothing_holds_it_up_for_so_long_only() -> None:
    bench = Bench()
    bench.at(100)
    bench.mute = True
    bench.at(200, upsert(drain()))
    assert bench.at(200 + WIRE_LIMIT_S + DRAIN_S - 0.1) == LEAST
    assert bench.at(200 + WIRE_LIMIT_S + DRAIN_S) == GONE
    away = Bench()
    away.at(100)
    away.lose_sessions(150)
    away.mute = True
    away.at(200, upsert(drain()))
    assert away.at(200 + WIRE_LIMIT_S + DRAIN_S - 0.1) == LEAST
    assert away.at(200 + WIRE_LIMIT_S + DRAIN_S) == GONE


def test_a_speaker_that_starts_while_it_drains_is_never_normal_and_waits_the_whole_time() -> None:
    bench = Bench()
    bench.at(100)
    bench.at(200, upsert(drain()))
    bench.start_anew()
    assert bench.at(202, upsert(drain())) == LEAST
    assert bench.at(202 + DRAIN_S - 0.1) == LEAST
    assert bench.at(202 + DRAIN_S) == GONE


def test_a_speaker_that_starts_on_a_drained_node_announces_nothing() -> None:
    assert Bench().at(100, upsert(drain(phase=Phase.DRAINED))) == GONE


def test_a_speaker_that_runs_believes_its_own_wires_not_what_it_is_taken_for() -> None:
    bench = Bench()
    bench.at(100)
    assert bench.at(200, upsert(drain(phase=Phase.DRAINED))) == LEAST
    assert bench.at(200 + DRAIN_S) == GONE


def test_a_drain_ends_at_its_time_by_this_nodes_clock_whoever_is_heard() -> None:
    bench = Bench()
    bench.at(100)
    assert bench.at(200, upsert(drain(until=UNTIL))) == LEAST
    bench.wall = datetime.fromisoformat(UNTIL).timestamp()
    assert bench.at(201) == NORMAL


def test_of_two_drains_the_longer_time_counts_and_the_last_that_goes() -> None:
    bench = Bench()
    bench.at(100)
    bench.at(200, upsert(drain()), upsert(drain("rack", drainSeconds=60)))
    assert bench.at(259) == LEAST
    assert bench.at(260) == GONE
    assert bench.at(261, gone()) == GONE
    assert bench.at(262, gone("rack")) == NORMAL


def test_it_tells_which_grants_it_follows_and_how_far_it_is() -> None:
    bench = Bench()
    bench.at(100)
    progress = bench.witness.progress
    assert (progress.phase, progress.grants) == (None, ())
    bench.at(200, upsert(drain()))
    assert (progress.phase, progress.grants) == (Phase.DRAINING, (grant_of("uid-node1", GRANTED),))
    bench.at(210)
    assert progress.phase is Phase.DRAINED


def test_of_more_grants_than_it_can_name_those_come_first_that_the_controller_waits_for() -> None:
    bench = Bench()
    bench.at(100)
    names = [f"drain-{number:02}" for number in range(MAX_GRANTS + 1)]
    bench.at(200, *(upsert(drain(name)) for name in names))
    bench.at(210)
    last = grant_of(f"uid-{names[-1]}", GRANTED)
    assert last not in bench.witness.progress.grants
    bench.at(211, *(upsert(drain(name, Phase.DRAINED)) for name in names[:-1]))
    assert bench.witness.progress.grants[0] == last


def withdraw(bench: Bench) -> None:
    """A node that has just decided to withdraw, before any router heard of it."""
    bench.at(100)
    bench.at(200, upsert(drain()))
    bench.mute = True
    assert bench.at(200 + DRAIN_S) == GONE


def test_it_is_drained_for_others_when_every_wire_says_so() -> None:
    bench = Bench()
    withdraw(bench)
    assert bench.said_at(1000) is Phase.DRAINING
    bench.send(1001)
    assert bench.said_at(1002) is Phase.DRAINED


def test_a_router_without_a_session_has_nothing_once_it_must_have_noticed_and_what_it_keeps_then_has_expired() -> None:
    bench = Bench()
    withdraw(bench)
    bench.lose_sessions(203.5)
    assert bench.said_at(203.5 + HOLD_S - 0.1) is Phase.DRAINING
    assert bench.said_at(203.5 + HOLD_S) is Phase.DRAINED
    keeper = peer_manifest(gracefulRestart={"restartTimeSeconds": 120})
    keeping = Bench(core=core([*CONFIG, keeper, *one_service("web", "198.51.100.7")]))
    withdraw(keeping)
    keeping.lose_sessions(203.5)
    assert keeping.said_at(203.5 + HOLD_S + 120 - 0.1) is Phase.DRAINING
    assert keeping.said_at(203.5 + HOLD_S + 120) is Phase.DRAINED


def test_a_router_that_was_away_for_long_when_the_node_withdrew_holds_nothing_up() -> None:
    away = Bench()
    away.at(100)
    away.lose_sessions(101)
    away.mute = True
    away.at(300, upsert(drain()))
    assert away.at(300 + WIRE_LIMIT_S + DRAIN_S) == GONE
    assert away.said_at(300 + WIRE_LIMIT_S + DRAIN_S + 0.1) is Phase.DRAINED


def test_a_router_that_is_back_has_nothing_more_after_end_of_rib() -> None:
    bench = Bench()
    withdraw(bench)
    (spec,) = bench.core.peering.sessions.values()
    bench.lose_sessions(203)
    bench.table.apply(Established(spec, 203.2))
    assert bench.said_at(203.5) is Phase.DRAINING
    bench.table.apply(InSync(spec, 204))
    assert bench.said_at(204.5) is Phase.DRAINED


def test_a_speaker_that_starts_on_a_drained_node_takes_back_nothing_that_was_said() -> None:
    bench = Bench(mute=True)
    bench.at(100, upsert(drain(phase=Phase.DRAINED)))
    assert bench.said_at(100.5) is Phase.DRAINED


def test_a_new_grant_for_a_drained_node_brings_no_traffic_back() -> None:
    bench = Bench()
    bench.at(100)
    bench.at(200, upsert(drain()))
    bench.at(210)
    assert bench.at(211, gone(), upsert(drain("again"))) == GONE
    assert bench.witness.progress.grants == (grant_of("uid-again", GRANTED),)


def test_where_there_is_no_controller_a_drain_counts_without_its_leave() -> None:
    bench = Bench(grants_itself=True)
    bench.at(100)
    assert bench.at(200, upsert(drain("other", phase=None, nodes="node2"))) == NORMAL
    assert bench.at(201, upsert(drain(phase=None))) == LEAST
    assert bench.at(201 + DRAIN_S) == GONE


def test_a_grant_stands_though_its_drain_is_refused_and_was_never_read_before() -> None:
    bench = Bench()
    bench.at(100)
    assert bench.at(200, upsert(drain(drainSeconds="soon"))) == LEAST
    assert bench.at(200 + DEFAULT_DRAIN_S) == GONE
    alone = Bench(grants_itself=True)
    alone.at(100)
    assert alone.at(200, upsert(drain(phase=None, drainSeconds="soon"))) == NORMAL
