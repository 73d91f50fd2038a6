"""When a speaker is ready, so that an update goes on to the next node, and when it is no longer live."""

from collections.abc import Iterable

import pytest

from bgp_config.names import NodeName
from herald.kube.objects import Kind, KubeObject
from herald.kube.source import Stale, Synced, Upsert
from speaker.core import Core
from speaker.peering import NodeNetwork, Source
from speaker.probes import TURN_LIMIT_S, liveness, readiness
from speaker.session import Closed, Established, InSync
from speaker.table import SessionTable
from tests.builders import advertisement_manifest, ip, node, peer_manifest, pool_manifest, session

NETWORK = NodeNetwork(
    sources={
        ip(peer): Source(ip(own), on_link=True) for peer, own in {"10.1.1.0": "10.1.1.1", "10.2.1.0": "10.2.1.1"}.items()
    }
)
NO_PEER: list[KubeObject] = [node(), pool_manifest(), advertisement_manifest()]
TWO_PEERS = [*NO_PEER, peer_manifest(), peer_manifest("tor2", "10.2.1.0")]


def core(things: Iterable[KubeObject] = TWO_PEERS, *, synced: Iterable[Kind] = Kind) -> Core:
    made = Core(NodeName("node1"), "herald-lb.io/bgp")
    made.apply([Upsert(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key, thing) for thing in things])
    made.apply([Synced(kind) for kind in synced])
    made.learn(NETWORK)
    made.step()
    return made


def tor1_has_all(made: Core) -> SessionTable:
    """A table in which the session with tor1 is up and has all routes, and none other is."""
    table = SessionTable()
    spec = next(spec for spec in made.peering.sessions.values() if spec.peer_address == session().peer_address)
    table.apply(Established(spec, 1))
    table.apply(InSync(spec, 2))
    return table


def test_one_session_of_two_with_all_its_routes_on_the_wire_is_enough() -> None:
    made = core()
    assert readiness(made, tor1_has_all(made)).ok


def test_a_session_that_is_not_in_sync_yet_is_not_enough() -> None:
    made, table = core(), SessionTable()
    for spec in made.peering.sessions.values():
        table.apply(Established(spec, 1))
    found = readiness(made, table)
    assert not found.ok
    assert found.checks["routers"] == "none of 2 sessions is Established with all its routes on the wire"


def test_sessions_that_have_gone_down_are_not_enough() -> None:
    made = core()
    table = tor1_has_all(made)
    for spec in list(table.records):
        table.apply(Closed(spec, 3, "hold timer expired"))
    assert not readiness(made, table).ok


def test_a_node_of_which_no_router_is_wanted_is_ready() -> None:
    assert readiness(core(NO_PEER), SessionTable()).ok


def test_a_router_that_cannot_be_reached_is_wanted_all_the_same() -> None:
    made = core([*NO_PEER, peer_manifest("far", "10.9.9.9")])
    assert not made.peering.sessions
    assert not readiness(made, SessionTable()).ok


@pytest.mark.parametrize("missing", list(Kind))
def test_it_is_not_ready_before_every_kind_is_listed(missing: Kind) -> None:
    found = readiness(core(NO_PEER, synced=set(Kind) - {missing}), SessionTable())
    assert not found.ok
    assert found.checks["synced"] != "ok"


def test_a_stale_kind_is_named_and_does_no_harm() -> None:
    made = core()
    made.apply([Stale(Kind.SERVICE, "connection refused")])
    found = readiness(made, tor1_has_all(made))
    assert found.ok
    assert found.checks["source Service"] == "stale: connection refused"


def test_it_is_live_while_its_loop_turns() -> None:
    assert liveness(0.5).ok
    assert not liveness(TURN_LIMIT_S).ok
