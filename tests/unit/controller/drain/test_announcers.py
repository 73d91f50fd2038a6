"""Which nodes count as announcing a Service normally: only where everything that can be seen speaks for it."""

from collections.abc import Mapping
from dataclasses import replace

from bgp_config.config import Config, NodeField, NodeValue
from bgp_config.names import AdvertisementName, Family, NodeName
from bgp_config.selector import LabelSelector, Operator, Requirement
from controller.drain.announcers import Announcers, Claim, Nodes, Voice, announcers
from herald.kube.objects import EXCLUDE_LABEL, EndpointConditions, EndpointSlice, Node, ObjectKey, Service, TrafficPolicy
from tests.builders import (
    DRAINING,
    READY,
    UNREADY,
    advertisement,
    config,
    endpoint,
    endpoint_slice,
    ip,
    node,
    peer,
    pool,
    service,
)

NODES = {NodeName(name): node(name) for name in ("node1", "node2", "node3")}
WELL = Voice(announces=True)
WEB = service("web", "198.51.100.1")
KEY = WEB.key
VIP = ip("198.51.100.1")
CLAIM = (KEY, VIP)
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
    return announcers([web], [slice_], nodes, configured or config(), voices).nodes_of[web.key, VIP].certain


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
    sick_of_it = Voice(announces=True, not_normal=frozenset({CLAIM}))
    assert found(voices={**dict.fromkeys(NODES, WELL), NodeName("node1"): sick_of_it}) == names("node2")


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
    other = (ObjectKey("default", "other"), VIP)
    both, third = names("node1", "node2"), names("node3")
    known = Announcers({CLAIM: Nodes(both, both), other: Nodes(third, third)})
    assert known.needing(NodeName("node1"), set()) is None
    assert known.needing(NodeName("node1"), {NodeName("node2")}) == CLAIM
    assert known.needing(NodeName("node3"), set()) == other
    assert known.needing(NodeName("node4"), set(NODES)) is None


def test_a_node_that_may_announce_is_needed_where_nobody_else_certainly_does() -> None:
    voices = {NodeName("node1"): Voice(announces=False), NodeName("node2"): Voice(announces=False)}
    known = announcers([WEB], [SLICE], NODES, config(), voices)
    assert known.needing(NodeName("node1"), set()) == CLAIM
    assert known.needing(NodeName("node3"), set()) is None


def test_a_vip_that_every_node_withholds_for_good_keeps_none_of_them() -> None:
    for not_normal in (frozenset({CLAIM}), frozenset[Claim]()):
        withheld = Voice(announces=True, not_normal=not_normal, withheld=frozenset({CLAIM}))
        known = announcers([WEB], [SLICE], NODES, config(), dict.fromkeys(NODES, withheld))
        assert known.needing(NodeName("node1"), set(NODES)) is None


def test_a_node_that_withholds_a_vip_for_a_while_or_another_vip_for_good_is_needed() -> None:
    other = (KEY, ip("198.51.100.2"))
    for voice in (
        Voice(announces=True, not_normal=frozenset({CLAIM})),
        Voice(announces=True, not_normal=frozenset({CLAIM, other}), withheld=frozenset({other})),
        Voice(announces=True, not_normal=frozenset({KEY})),
    ):
        known = announcers([WEB], [SLICE], NODES, config(), dict.fromkeys(NODES, voice))
        assert known.needing(NodeName("node1"), set()) == CLAIM


def test_the_only_node_that_does_not_withhold_a_vip_is_needed() -> None:
    withheld = Voice(announces=True, not_normal=frozenset({CLAIM}), withheld=frozenset({CLAIM}))
    voices = {**dict.fromkeys(NODES, withheld), NodeName("node1"): WELL}
    known = announcers([WEB], [SLICE], NODES, config(), voices)
    assert known.needing(NodeName("node1"), set()) == CLAIM
    assert known.needing(NodeName("node2"), set()) is None


def test_the_node_of_a_pod_that_terminates_and_serves_is_needed_until_another_pod_is_ready() -> None:
    def leaves(conditions: EndpointConditions) -> bool:
        """Whether node1 may be drained, of which the pod terminates; node2's is as told."""
        endpoints = [endpoint("node1", "10.244.0.1", DRAINING), endpoint("node2", "10.244.0.2", conditions)]
        known = announcers([WEB], [endpoint_slice("web", endpoints)], NODES, config(), dict.fromkeys(NODES, WELL))
        return known.needing(NodeName("node1"), set()) is None

    assert not leaves(UNREADY)
    assert leaves(READY)


def test_of_two_families_each_counts_for_itself() -> None:
    six = ip("2001:db8::1")
    web = service("web", "198.51.100.1", "2001:db8::1")
    slices = [SLICE, endpoint_slice("web", [endpoint("node1", "fd00::1")], name="web-6", address_type="IPv6")]
    pools = [pool(), pool("six", "2001:db8::", "2001:db8::ff")]
    of_four = announcers([web], slices, NODES, config(pools=pools), None).nodes_of
    assert (of_four[KEY, VIP].certain, of_four[KEY, six].possible) == (names("node1", "node2"), names())
    both = replace(peer(), families=frozenset(Family))
    of_both = announcers([web], slices, NODES, config(pools=pools, peers=[both]), None)
    assert of_both.nodes_of[KEY, six].certain == names("node1")
    assert of_both.needing(NodeName("node1"), set()) == (KEY, six)


def test_a_peer_without_families_takes_that_of_its_address_where_the_node_says_it() -> None:
    label = NodeValue(field=NodeField.LABEL, key="tor")
    nodes = {**NODES, NodeName("node1"): node("node1", labels={"tor": "10.1.1.0"})}
    anywhere = replace(peer(), address=label, families=None)
    assert found(nodes=nodes, configured=config(peers=[anywhere])) == names("node1")


def test_a_node_is_needed_for_what_it_announces_of_endpoints_that_are_not_ready() -> None:
    cluster = service("web", "198.51.100.1", policy=TrafficPolicy.CLUSTER)
    about_to_go = [endpoint_slice("web", [endpoint("node1", "10.244.0.1", DRAINING)])]
    everyone = names(*NODES)
    assert announcers([cluster], about_to_go, NODES, config(), None).nodes_of[CLAIM] == Nodes(everyone, everyone)
    published = service("web", "198.51.100.1", publish_not_ready=True)
    unready = [endpoint_slice("web", [endpoint("node1", "10.244.0.1", UNREADY)])]
    only = names("node1")
    assert announcers([published], unready, NODES, config(), None).nodes_of[CLAIM] == Nodes(only, only)
