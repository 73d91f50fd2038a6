"""Whether a VIP gets where it should, and how many sets of nodes announce VIPs."""

import pytest

from bgp_config.names import NodeName, PeerName
from herald.kube.objects import Kind, KubeObject, ObjectKey, TrafficPolicy
from herald.kube.source import Synced, Upsert
from speaker.core import Core
from speaker.evidence import Source as EvidenceSource
from speaker.evidence import Standing
from speaker.peering import NodeNetwork, Source
from speaker.reach import NextHopSets, is_least_preferred, presence
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.session import Closed, Established, Programmed
from speaker.table import SessionTable
from tests.builders import (
    DRAINING,
    READY,
    UNREADY,
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    ip,
    node,
    peer_manifest,
    pool_manifest,
    service,
)

WEB = ObjectKey("default", "web")
NETWORK = NodeNetwork(
    sources={
        ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True),
        ip("10.2.1.0"): Source(ip("10.2.1.1"), on_link=True),
    }
)
CONFIG: list[KubeObject] = [
    node(),
    pool_manifest(),
    peer_manifest("tor1", "10.1.1.0"),
    peer_manifest("tor2", "10.2.1.0"),
    advertisement_manifest(),
]


def upsert(thing: KubeObject) -> Upsert:
    return Upsert(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key, thing)


def core(*things: KubeObject) -> Core:
    made = Core(NodeName("node1"), "herald-lb.io/bgp")
    made.apply([upsert(thing) for thing in (*CONFIG, *things)])
    made.apply([Synced(kind) for kind in Kind])
    made.learn(NETWORK)
    made.step()
    return made


def web(*nodes: str, unready: bool = False) -> list[KubeObject]:
    conditions = UNREADY if unready else READY
    return [
        service("web", "198.51.100.7"),
        endpoint_slice("web", [endpoint(name, f"10.244.0.{n}", conditions) for n, name in enumerate(nodes, 1)]),
    ]


def told(made: Core, *peers: str) -> SessionTable:
    """What it shall say is on the wire to these peers."""
    table = SessionTable()
    for peer, spec in made.peering.sessions.items():
        table.apply(Established(spec, 1.0))
        for prefix, attributes in made.ribs.table(spec).items() if peer in peers else ():
            table.apply(Programmed(spec, 2.0, prefix, attributes))
    return table


def test_a_vip_is_there_when_every_peer_that_shall_have_it_does() -> None:
    made = core(*web("node1"))
    (vip,) = made.decisions[WEB].vips
    assert presence(made, told(made, "tor1", "tor2"), vip) is True
    assert presence(made, told(made, "tor1"), vip) is False
    assert presence(made, SessionTable(), vip) is False


def test_a_session_that_is_lost_takes_it_away() -> None:
    made = core(*web("node1"))
    table = told(made, "tor1", "tor2")
    table.apply(Closed(made.peering.sessions[PeerName("tor2")], 3.0, "cut"))
    assert presence(made, table, made.decisions[WEB].vips[0]) is False


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        (web("node2"), None),  # no local endpoint
        (web("node1", unready=True), None),  # none anywhere
        ([service("web", "192.0.2.1"), *web("node1")[1:]], False),  # in no pool: somebody has to act
    ],
    ids=["elsewhere", "nowhere", "refused"],
)
def test_a_node_with_nothing_to_announce_is_not_counted(things: list[KubeObject], *, expected: bool | None) -> None:
    made = core(*things)
    assert presence(made, SessionTable(), made.decisions[WEB].vips[0]) is expected


def test_what_is_least_preferred_is_there_but_not_as_it_should_be() -> None:
    made = core(*web("node1"))
    made.stand(EvidenceSource.DATA_PATH, Standing(RouteState.LAST_RESORT, Reason.DATA_PATH_SILENT))
    made.step()
    (vip,) = made.decisions[WEB].vips
    table = told(made, "tor1", "tor2")
    assert (presence(made, table, vip), is_least_preferred(made, table, vip)) == (False, True)
    assert not is_least_preferred(made, told(made, "tor1"), vip)


def test_a_service_that_ends_here_is_not_expected_and_still_there() -> None:
    ending = endpoint_slice("web", [endpoint("node1", "10.244.0.1", DRAINING), endpoint("node2", "10.244.0.2")])
    made = core(web("node1")[0], ending)
    (vip,) = made.decisions[WEB].vips
    table = told(made, "tor1", "tor2")
    assert (presence(made, table, vip), is_least_preferred(made, table, vip)) == (None, True)


def test_services_on_the_same_nodes_are_one_set() -> None:
    made = core(
        *web("node1", "node2"),
        service("db", "198.51.100.8"),
        endpoint_slice("db", [endpoint("node2", "10.1.0.1"), endpoint("node1", "10.1.0.2")]),
        service("dns", "198.51.100.9"),
        endpoint_slice("dns", [endpoint("node3", "10.1.0.3")]),
    )
    assert NextHopSets().count(made) == 2


def test_a_change_of_endpoints_changes_the_count_and_services_for_all_nodes_are_one_set() -> None:
    sets, made = NextHopSets(), core(*web("node1"))
    assert sets.count(made) == 1
    everywhere = service("any", "198.51.100.8", policy=TrafficPolicy.CLUSTER)
    made.apply([upsert(everywhere), upsert(endpoint_slice("any", [endpoint("node3", "10.1.0.3")]))])
    made.step()
    assert sets.count(made) == 2
    made.apply([upsert(web("node2", unready=True)[1])])
    made.step()
    assert sets.count(made) == 1
