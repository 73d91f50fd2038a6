"""What every node does is decided by the speakers' own core; what only a speaker knows is taken from its word."""

from dataclasses import replace

import msgspec
import pytest

from bgp_config.status.node import Announcement, NodeError, ServiceNotNormal
from herald.kube.objects import ObjectKey, Service
from herald.status.answer import Answer
from herald.status.decided import decide
from speaker.about import EndpointFact
from speaker.account import VIPAccount
from tests.builders import advertisement_manifest, endpoint, endpoint_slice, node, peer_manifest, secret, service
from tests.unit.herald.status.build import CLASS, NOW, WEB, answer, cluster, session, speaker, world


def vips(of: Answer, key: ObjectKey = WEB) -> dict[str, VIPAccount]:
    """The first VIP of the Service, by node."""
    return {
        node.node: account.vips[0]
        for node in of.nodes
        for account in node.services
        if (account.namespace, account.name) == key and account.vips
    }


def states(of: Answer) -> dict[str, tuple[str, str]]:
    return {name: (vip.state, vip.reason) for name, vip in vips(of).items()}


def test_each_node_decides_for_itself() -> None:
    assert states(answer(world(cluster(unready=["node2"])))) == {
        "node1": ("normal", ""),
        "node2": ("withdrawn", "noLocalEndpoint"),
        "node3": ("normal", ""),
    }


def test_routes_have_the_next_hop_that_the_speaker_told_of() -> None:
    (first, second) = vips(answer(world(cluster())))["node1"].routes
    assert (first.peer, first.prefix, first.next_hop, first.as_path) == ("tor1", "198.51.100.7/32", "10.1.1.1", [64512])
    assert (second.peer, second.next_hop) == ("tor2", "10.2.1.1")


def test_in_files_where_no_speaker_tells_no_next_hop_is_made_up() -> None:
    files = replace(world(cluster(), speakers=[], sessions=[]), live=False)
    routes = vips(answer(files))["node1"].routes
    assert [(route.peer, route.next_hop) for route in routes] == [("tor1", ""), ("tor2", "")]
    assert [session.peer for session in answer(files).nodes[0].sessions] == ["tor1", "tor2"]
    assert not answer(files).nodes[0].silent


def test_a_password_is_not_needed_to_see_that_a_session_is_there() -> None:
    things = cluster(peer_manifest("tor1", "10.1.1.0", passwordSecret={"namespace": "herald-system", "name": "tor1"}))
    assert {route.peer for route in vips(answer(world(things)))["node1"].routes} == {"tor1", "tor2"}
    assert not [thing for thing in things if thing == secret("tor1", "x")]


def test_a_peer_that_the_speaker_refuses_gets_nothing() -> None:
    error = NodeError(about="BGPPeer/tor1", reason="passwordMissing", message="...")
    speakers = [("node1", speaker(errors=(error,)))]
    of = answer(world(cluster(nodes=("node1",)), speakers=speakers, sessions=[session("node1", "tor2")]))
    assert [route.peer for route in vips(of)["node1"].routes] == ["tor2"]


def test_a_peer_with_too_many_prefixes_is_not_one_that_the_speaker_refuses() -> None:
    error = NodeError(about="BGPPeer/tor1", reason="prefixLimit", message="3 prefixes are withheld: ...")
    of = answer(world(cluster(nodes=("node1",)), speakers=[("node1", speaker(errors=(error,)))]))
    assert [route.peer for route in vips(of)["node1"].routes] == ["tor1", "tor2"]


def test_a_reason_that_only_the_speaker_can_know_is_its_word() -> None:
    word = ServiceNotNormal(namespace="default", name="web", reason="dataPathPending", message="wait")
    of = answer(world(cluster(nodes=("node1",)), speakers=[("node1", speaker(not_normal=(word,)))]))
    assert states(of) == {"node1": ("withdrawn", "dataPathPending")}
    assert vips(of)["node1"].routes == []


def test_a_word_about_one_vip_is_not_taken_for_one_about_another() -> None:
    word = ServiceNotNormal(namespace="default", name="web", reason="noPeer", message="...", vips=("2001:db8::7",))
    of = answer(world(cluster(nodes=("node1",)), speakers=[("node1", speaker(not_normal=(word,)))]))
    assert states(of) == {"node1": ("normal", "")}


def test_what_the_objects_say_goes_before_an_older_word_of_the_speaker() -> None:
    word = ServiceNotNormal(namespace="default", name="web", reason="noPeer", message="...")
    of = answer(world(cluster(nodes=("node1",), unready=["node1"]), speakers=[("node1", speaker(not_normal=(word,)))]))
    assert states(of) == {"node1": ("withdrawn", "noEndpoint")}


@pytest.mark.parametrize(
    ("heard_s", "unknown", "silent"), [(5, False, False), (60, False, False), (80, False, True), (5, True, True)]
)
def test_a_speaker_is_silent_when_the_controller_says_so_or_its_heartbeat_is_old(
    heard_s: float, *, unknown: bool, silent: bool
) -> None:
    said = speaker(heard_s=heard_s, unknown=unknown)
    assert answer(world(cluster(nodes=("node1",)), speakers=[("node1", said)])).nodes[0].silent is silent


def test_a_node_without_a_speaker_is_silent() -> None:
    assert answer(world(cluster(nodes=("node1",)), speakers=[], sessions=[])).nodes[0].silent


def test_the_story_of_one_service_equals_its_part_of_the_whole() -> None:
    things = cluster(
        service("db", "198.51.100.8"),
        endpoint_slice("db", [endpoint("node1", "10.244.1.1")]),
        service("thief", "198.51.100.7", created="2026-02-02T00:00:00Z"),
        unready=["node3"],
    )
    whole, alone = answer(world(things)), answer(world(things), WEB)
    assert vips(alone) == vips(whole)
    assert [fact.key for fact in alone.services] == [WEB]
    assert alone.services[0] == next(fact for fact in whole.services if fact.key == WEB)


def test_where_a_peer_has_a_limit_the_others_count_too() -> None:
    older = service("older", "198.51.100.9", created="2020-01-01T00:00:00Z")
    limited = [peer_manifest("tor1", "10.1.1.0", maxPrefixes=1), peer_manifest("tor2", "10.2.1.0", maxPrefixes=1)]
    of = answer(world(cluster(older, *limited, nodes=("node1",))), WEB)
    assert states(of) == {"node1": ("withdrawn", "prefixLimit")}


@pytest.mark.parametrize("limit", [1, 5, 9, 10, 11, 20])
@pytest.mark.parametrize("aggregated", [False, True])
def test_under_any_limit_the_story_of_one_service_is_that_of_the_whole(limit: int, *, aggregated: bool) -> None:
    """Ten are older than web, though one in its very second and one with another's VIP; ten are younger."""
    numbers = range(1, 21)
    vip = {n: f"198.51.100.{100 + n}" for n in numbers} | {5: "198.51.100.104", 12: "198.51.100.103"}
    others = [service(f"s{n:02}", vip[n], created=f"{2016 + n}-01-01T00:00:00Z") for n in numbers]
    also = [advertisement_manifest("b", aggregationLengthV4=30)] if aggregated else []
    limited = [
        peer_manifest("tor1", "10.1.1.0", maxPrefixes=limit),
        peer_manifest("tor2", "10.2.1.0", maxPrefixes=limit + 5),
    ]
    things = world(cluster(*others, *limited, *also, nodes=("node1", "node2")))
    assert vips(answer(things, WEB)) == vips(answer(things))


def test_a_peer_without_a_place_for_the_vip_is_told_apart_from_those_that_have_it() -> None:
    older = service("older", "198.51.100.9", created="2020-01-01T00:00:00Z")
    of = answer(world(cluster(older, peer_manifest("tor1", "10.1.1.0", maxPrefixes=1), nodes=("node1",))), WEB)
    (only,) = vips(of).values()
    assert (only.state, only.reason) == ("normal", "prefixLimitSomewhere")
    assert [(route.peer, route.withheld) for route in only.routes] == [("tor2", ""), ("tor1", "prefixLimit")]


def test_that_a_speaker_names_it_so_does_not_withdraw_a_vip_of_which_no_others_were_read() -> None:
    word = ServiceNotNormal(namespace="default", name="web", reason="prefixLimitSomewhere", state=Announcement.PARTLY)
    of = answer(world(cluster(nodes=("node1",)), speakers=[("node1", speaker(not_normal=(word,)))]))
    assert states(of) == {"node1": ("normal", "prefixLimitSomewhere")}


def requesting(**annotations: str) -> Service:
    made = service("web", "198.51.100.7")
    metadata = msgspec.structs.replace(made.metadata, annotations={f"herald-lb.io/{k}": v for k, v in annotations.items()})
    return msgspec.structs.replace(made, metadata=metadata)


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        ({"load-balancer-ips": "198.51.100.7"}, "requested by the annotation herald-lb.io/load-balancer-ips"),
        ({"address-pool": "default"}, "the lowest that was free in default, the pool that the annotation"),
        ({}, "nothing was requested: the lowest that was free"),
    ],
)
def test_it_is_said_why_the_address_is_this_one(annotations: dict[str, str], why: str) -> None:
    (fact,) = answer(world(cluster(requesting(**annotations))), WEB).services
    assert (fact.addresses[0].pool, fact.addresses[0].vip) == ("default", "198.51.100.7")
    assert fact.addresses[0].why.startswith(why)


def test_a_service_without_a_vip_has_the_controllers_reason() -> None:
    made = service("new")
    metadata = msgspec.structs.replace(made.metadata, annotations={"herald-lb.io/address-pool": "absent"})
    of = answer(world(cluster(msgspec.structs.replace(made, metadata=metadata))), made.key)
    assert (of.services[0].pending, of.services[0].addresses) == ("requestedPoolUnknown", ())


def test_endpoints_are_counted_by_node() -> None:
    slices = [endpoint_slice("web", [endpoint(None, "10.244.9.9")], name="web-2")]
    (fact,) = answer(world(cluster(*slices, unready=["node2"])), WEB).services
    assert fact.endpoints == (
        EndpointFact(node="", serving=1, total=1),
        EndpointFact(node="node1", serving=1, total=1),
        EndpointFact(node="node2", serving=0, total=1),
        EndpointFact(node="node3", serving=1, total=1),
    )


def test_what_is_wrong_with_configuration_is_named() -> None:
    of = answer(world(cluster(peer_manifest("tor3", "nonsense"))))
    assert any("BGPPeer" in problem and "tor3" in problem and "Nothing" in problem for problem in of.problems)


def test_excluded_nodes_say_so() -> None:
    excluded = node("node1", labels={"node.kubernetes.io/exclude-from-external-load-balancers": ""})
    assert states(answer(world([*cluster(), excluded])))["node1"] == ("withdrawn", "nodeExcluded")
    assert NOW.tzinfo is not None


def test_of_very_many_services_those_are_told_that_a_speaker_or_the_controller_names() -> None:
    """Three nodes and five Services are fifteen decisions."""
    addresses = {"db": "198.51.100.8", "slow": "198.51.100.9", "calm": "198.51.100.10"}
    things = cluster(*(service(name, vip) for name, vip in addresses.items()), service("poor"))
    word = ServiceNotNormal(namespace="default", name="slow", reason="dataPathPending", message="...")
    said = [(name, speaker(not_normal=(word,))) for name in ("node1", "node2", "node3")]
    of = world([*things, endpoint_slice("slow", [endpoint("node1", "10.244.1.9")])], speakers=said)
    narrowed = decide(of, CLASS, NOW, most=14)
    assert [fact.name for fact in narrowed.services] == ["poor", "slow"]
    assert narrowed.left_out == 3
    assert [[account.name for account in node.services] for node in narrowed.nodes] == [["poor", "slow"]] * 3
    whole = decide(of, CLASS, NOW, most=15)
    assert (len(whole.services), whole.left_out) == (5, 0)
    slow = ObjectKey("default", "slow")
    assert vips(narrowed, slow) == vips(whole, slow)


def test_of_files_all_is_decided_since_nobody_names_what_is_not_normal() -> None:
    files = replace(world(cluster(), speakers=[], sessions=[]), live=False)
    assert len(decide(files, CLASS, NOW, most=0).services) == 1
