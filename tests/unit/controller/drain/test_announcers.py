"""Which nodes count as announcing a Service normally: only where everything that can be seen speaks for it."""

from collections.abc import Mapping
from dataclasses import replace

from bgp_config.config import Config
from bgp_config.names import AdvertisementName, NodeName
from bgp_config.selector import LabelSelector, Operator, Requirement
from controller.drain.announcers import Announcers, Nodes, Voice, announcers
from herald.kube.objects import EXCLUDE_LABEL, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy
from tests.builders import DRAINING, UNREADY, advertisement, config, endpoint, endpoint_slice, node, peer, service

NODES = {NodeName(name): node(name) for name in ("node1", "node2", "node3")}
WELL = Voice(announces=True)
WEB = service("web", "198.51.100.1")
KEY = WEB.key
SLICE = endpoint_slice("web", [endpoint("node1", "10.244.0.1"), endpoint("node2", "10.244.0.2")])
ON_NODE1 = (LabelSelector((Requirement("kubernetes.io/hostname", Operator.IN, frozenset({"node1"})),)),)


def names(*nodes: str) -> frozenset[NodeName]:
    return frozenset(NodeName(name) for name in nodes)


def found(
    web: Service = WEB,
    slice_: EndpointSlice = SLICE,
    nodes: Mapping[NodeName, Node] = NODES,
    configured: Config | None = None,
    voices: Mapping[NodeName, Voice] | None = None,
) -> frozenset[NodeName]:
    return announcers([web], [slice_], nodes, configured or config(), voices).nodes_of[web.key].certain


def test_a_local_service_is_announced_where_it_has_an_endpoint_and_any_other_by_all() -> None:
    assert found() == names("node1", "node2")
    assert found(service("web", "198.51.100.1", policy=TrafficPolicy.CLUSTER)) == names("node1", "node2", "node3")


def test_an_endpoint_that_is_not_ready_or_is_about_to_go_counts_for_nothing() -> None:
    for conditions in (UNREADY, DRAINING):
        slice_ = endpoint_slice("web", [endpoint("node1", "10.244.0.1", conditions), endpoint("node2", "10.244.0.2")])
        assert found(slice_=slice_) == names("node2")


def test_without_a_ready_endpoint_nobody_announces() -> None:
    cluster = service("web", "198.51.100.1", policy=TrafficPolicy.CLUSTER)
    assert found(cluster, endpoint_slice("web", [endpoint("node1", "10.244.0.1", UNREADY)])) == names()


def test_an_advertisement_and_a_peer_of_it_must_select_the_node() -> None:
    one = replace(advertisement(), node_selectors=ON_NODE1)
    assert found(configured=config(advertisements=[one])) == names("node1")
    assert found(configured=config(peers=[replace(peer(), node_selectors=ON_NODE1)])) == names("node1")
    assert found(configured=config(advertisements=[])) == names()
    of_no_peer = replace(advertisement(), peers=frozenset())
    assert found(configured=config(advertisements=[of_no_peer])) == names()


def test_an_advertisement_must_be_for_the_services_pool() -> None:
    assert found(configured=config(advertisements=[replace(advertisement(), pools=frozenset())])) == names()
    assert found(configured=config(pools=[])) == names()


def test_a_speaker_must_be_heard_and_have_nothing_against_the_service() -> None:
    assert found(voices={}) == names()
    assert found(voices=dict.fromkeys(NODES, WELL)) == names("node1", "node2")
    assert found(voices={**dict.fromkeys(NODES, WELL), NodeName("node1"): Voice(announces=False)}) == names("node2")
    sick = Voice(announces=True, not_normal=frozenset({KEY}))
    assert found(voices={**dict.fromkeys(NODES, WELL), NodeName("node1"): sick}) == names("node2")


def test_with_a_session_down_a_node_counts_only_where_any_peer_will_do() -> None:
    voices = {**dict.fromkeys(NODES, WELL), NodeName("node1"): Voice(announces=True, to_all_peers=False)}
    assert found(voices=voices) == names("node1", "node2")
    to_one = replace(advertisement(), peers=frozenset({peer().name}))
    assert found(configured=config(advertisements=[to_one]), voices=voices) == names("node2")
    to_any = replace(advertisement(), name=AdvertisementName("any"))
    assert found(configured=config(advertisements=[to_one, to_any]), voices=voices) == names("node1", "node2")


def test_where_speakers_cannot_be_heard_an_excluded_node_announces_nothing() -> None:
    excluded = {**NODES, NodeName("node1"): node("node1", labels={EXCLUDE_LABEL: ""})}
    assert found(nodes=excluded) == names("node2")


def test_a_node_is_needed_if_the_others_that_announce_are_all_leaving() -> None:
    other = ObjectKey("default", "other")
    both, third = names("node1", "node2"), names("node3")
    known = Announcers({KEY: Nodes(both, both), other: Nodes(third, third)})
    assert known.needing(NodeName("node1"), set()) is None
    assert known.needing(NodeName("node1"), {NodeName("node2")}) == KEY
    assert known.needing(NodeName("node3"), set()) == other
    assert known.needing(NodeName("node4"), set(NODES)) is None


def test_a_node_that_may_announce_is_needed_where_nobody_else_certainly_does() -> None:
    voices = {NodeName("node1"): Voice(announces=False), NodeName("node2"): Voice(announces=False)}
    known = announcers([WEB], [SLICE], NODES, config(), voices)
    assert known.needing(NodeName("node1"), set()) == KEY
    assert known.needing(NodeName("node3"), set()) is None
