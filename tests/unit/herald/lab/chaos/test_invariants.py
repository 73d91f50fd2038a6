"""Each invariant is broken by what breaks it, and by nothing else."""

from ipaddress import ip_address

from herald.lab.chaos import invariants
from herald.lab.chaos.faults import Fault, FaultKind, Place
from herald.lab.chaos.history import History
from herald.lab.chaos.observation import Invariant, Paths, Sessions, Since, Violation

WEB, DB = ip_address("198.51.100.1"), ip_address("198.51.100.2")
VIPS = {"web": (WEB,), "db": (DB,)}
NODES = ("node1", "node2")
ALL = frozenset(NODES)
CUT = Fault(at=0, for_s=9, kind=FaultKind.LINK_CUT, place=Place(node="node1", tor="tor1"))
CUT_LONG_AGO = History().begin(CUT, 0).done(CUT, 0)
NOW = 100.0


def routes(table: dict[object, frozenset[str]], history: History = History()) -> list[Violation]:  # noqa: B008 -- frozen
    seen = {"tor1": {WEB: ALL, DB: ALL, **table}, "tor2": {WEB: ALL, DB: ALL}}
    return list(invariants.routes(seen, NODES, VIPS, history, NOW))  # type: ignore[arg-type]


def test_all_is_well_when_every_node_has_every_route() -> None:
    assert routes({}) == []


def test_a_next_hop_that_cannot_answer_any_more_breaks_it() -> None:
    assert routes({WEB: ALL, DB: frozenset({"node2"})}, CUT_LONG_AGO) == [
        Violation(invariant=Invariant.CAN_ANSWER, what="web node1 tor1 has the route")
    ]


def test_a_healthy_node_without_its_traffic_breaks_it_and_so_does_a_missing_vip() -> None:
    assert routes({DB: frozenset({"node2"})}) == [Violation(invariant=Invariant.PRESENT, what="db node1 tor1 has no route")]
    assert {str(v) for v in routes({DB: frozenset()})} == {
        f"{Invariant.PRESENT}: db {node} tor1 has no route" for node in NODES
    }


def test_a_route_of_an_address_that_no_service_has_breaks_it() -> None:
    broken = routes({ip_address("198.51.100.9"): ALL})
    assert {violation.invariant for violation in broken} == {Invariant.CAN_ANSWER}
    assert len(broken) == len(NODES)
    assert all("198.51.100.9" in violation.what for violation in broken)


def test_an_address_of_two_services_breaks_it() -> None:
    (twice,) = invariants.assignment({}, {"web": (WEB,), "db": (WEB,)})
    assert twice == Violation(invariant=Invariant.UNIQUE, what=f"{WEB} is held by db and web")
    assert list(invariants.assignment(VIPS, VIPS)) == []


def test_a_vip_that_moves_or_is_lost_breaks_it() -> None:
    assert len(list(invariants.assignment(VIPS, {"web": (ip_address("198.51.100.3"),), "db": (DB,)}))) == 1
    assert len(list(invariants.assignment(VIPS, {"web": (WEB,)}))) == 1


DRAIN = Fault(at=0, for_s=20, kind=FaultKind.DRAIN, place=Place(node="node1"))


def drained(at: float, *, node1: bool | None) -> list[Violation]:
    """What it is when node1 is drained from 0 on, and its paths are the least preferred ones, normal, or there are none."""
    history = History().begin(DRAIN, 0).done(DRAIN, 0)
    paths = {("tor1", node, vip): least for node, least in (("node1", node1), ("node2", False)) for vip in (WEB, DB)}
    there = {path: least for path, least in paths.items() if least is not None}
    return list(invariants.drains(Paths(asked=at, answered=at, least_preferred=there), NODES, VIPS, ("tor1",), history))


def test_a_drain_that_skips_a_step_breaks_it() -> None:
    assert [len(drained(5, node1=least)) for least in (True, False, None)] == [0, 2, 2]
    assert [len(drained(15, node1=least)) for least in (True, False, None)] == [2, 2, 0]
    assert drained(15, node1=True)[0] == Violation(invariant=Invariant.DRAINED, what="web node1 tor1 should be withdrawn")


def seen(at: float, **since: float) -> Sessions:
    spans = {("tor1", node): Since(earliest=when - 1, latest=when) for node, when in since.items()}
    return Sessions(asked=at, answered=at, since=spans)


def test_a_session_that_ended_or_began_anew_breaks_it_unless_something_struck_it() -> None:
    before = seen(50, node1=10, node2=10)
    assert list(invariants.sessions(before, seen(51, node1=10.9, node2=9.5), History())) == []
    assert len(list(invariants.sessions(before, seen(51, node2=10), History()))) == 1
    assert len(list(invariants.sessions(before, seen(51, node1=50.5, node2=10), History()))) == 1
    assert list(invariants.sessions(before, seen(51, node2=10), CUT_LONG_AGO)) == []
    assert len(list(invariants.sessions(before, seen(51, node1=10), CUT_LONG_AGO))) == 1


def test_a_session_that_was_not_up_may_be_so_still() -> None:
    assert list(invariants.sessions(seen(50), seen(51), History())) == []
