"""Every rule of FEATURES.md's "When a node announces a VIP", and the Reason for each refusal."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from ipaddress import ip_network

import pytest

from bgp_config.communities import LargeCommunity, StandardCommunity
from bgp_config.config import Config
from bgp_config.names import NodeName, PeerName, PoolName, Prefix, host_prefix
from bgp_config.selector import LabelSelector, Operator, Requirement
from herald.kube.objects import EXCLUDE_LABEL, EndpointConditions, EndpointSlice, Node, Service, TrafficPolicy
from speaker.decide import NodeView, VIPDecision, decide, wishes
from speaker.evidence import Claim, Evidence, Source, Standing
from speaker.guard import Guard
from speaker.reasons import Reason
from speaker.route import RouteState
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

VIP = "198.51.100.7"
CLASS = "herald-lb.io/bgp"
EXCLUDED = node(labels={EXCLUDE_LABEL: ""})
PENDING = Standing(RouteState.WITHDRAWN, Reason.DATA_PATH_PENDING)


def label(key: str, value: str) -> tuple[LabelSelector, ...]:
    return (LabelSelector((Requirement(key, Operator.IN, frozenset({value})),)),)


def view(
    conf: Config | None = None,
    this: Node | None = None,
    *,
    forbidden: str | None = None,
    ignore_exclude_label: bool = False,
    admitted: AbstractSet[Claim] | None = None,
    evidence: Evidence | None = None,
) -> NodeView:
    conf = conf or config()
    return NodeView(
        name=NodeName("node1"),
        node=this or node(),
        guard=Guard(conf, frozenset({ip(forbidden)}) if forbidden else frozenset()),
        peers=conf.peers,
        load_balancer_class=CLASS,
        ignore_exclude_label=ignore_exclude_label,
        admitted=admitted,
        evidence=evidence or Evidence(),
    )


def decision(
    thing: Service | None = None, slices: list[EndpointSlice] | None = None, seen: NodeView | None = None
) -> VIPDecision:
    thing = thing or service("web", VIP)
    slices = slices if slices is not None else [endpoint_slice("web", [endpoint("node1", "10.244.1.1")])]
    result = decide(thing, slices, seen or view(), lambda _: thing.key)
    assert len(result.vips) == 1
    return result.vips[0]


def test_a_local_service_with_a_ready_endpoint_here_is_announced_to_every_peer() -> None:
    conf = config(peers=[peer("tor1"), peer("tor2", "10.2.1.0")])
    found = decision(seen=view(conf))
    assert (found.state, found.reason) == (RouteState.NORMAL, None)
    assert set(found.asked) == {"tor1", "tor2"}


@pytest.mark.parametrize(
    ("policy", "where", "conditions", "reason"),
    [
        (TrafficPolicy.LOCAL, "node1", READY, None),
        (TrafficPolicy.LOCAL, "node1", DRAINING, Reason.TERMINATING),
        (TrafficPolicy.LOCAL, "node1", UNREADY, Reason.NO_ENDPOINT),
        (TrafficPolicy.LOCAL, "node2", READY, Reason.NO_LOCAL_ENDPOINT),
        (TrafficPolicy.CLUSTER, "node2", READY, None),
        (TrafficPolicy.CLUSTER, "node2", DRAINING, None),
        (TrafficPolicy.CLUSTER, "node2", UNREADY, Reason.NO_ENDPOINT),
    ],
)
def test_endpoints_decide_by_traffic_policy(
    policy: TrafficPolicy, where: str, conditions: EndpointConditions, reason: Reason | None
) -> None:
    slices = [endpoint_slice("web", [endpoint(where, "10.244.1.1", conditions)])]
    found = decision(service("web", VIP, policy=policy), slices)
    assert found.reason is reason
    states = {None: RouteState.NORMAL, Reason.TERMINATING: RouteState.LEAST_PREFERRED}
    assert found.state is states.get(reason, RouteState.WITHDRAWN)
    assert bool(found.asked) == found.state.is_announced


def test_no_slice_at_all_means_no_endpoint() -> None:
    assert decision(slices=[]).reason is Reason.NO_ENDPOINT


def test_an_ipv6_vip_needs_ipv6_endpoints() -> None:
    conf = config(pools=[pool(first="2001:db8::", last="2001:db8::ff")], peers=[peer(address="fd00:1:1::")])
    v6 = service("web", "2001:db8::7")
    assert decision(v6, seen=view(conf)).reason is Reason.NO_ENDPOINT
    slices = [endpoint_slice("web", [endpoint("node1", "fd00::1")], address_type="IPv6")]
    assert decision(v6, slices, view(conf)).reason is None


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (view(this=node(labels={EXCLUDE_LABEL: ""})), Reason.NODE_EXCLUDED),
        (view(this=node(labels={EXCLUDE_LABEL: ""}), ignore_exclude_label=True), None),
        (view(this=node(conditions={"NetworkUnavailable": "True"})), Reason.NODE_NETWORK_UNAVAILABLE),
        (view(this=node(conditions={"NetworkUnavailable": "False", "Ready": "False"})), None),
        (view(this=node(taints=["ToBeDeletedByClusterAutoscaler"])), Reason.NODE_DELETING),
        (view(this=node(taints=["karpenter.sh/disrupted"])), Reason.NODE_DELETING),
        (view(this=node(deleted=True)), Reason.NODE_DELETING),
        (view(this=node(taints=["node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready"])), None),
        (replace(view(), node=None), Reason.NODE_UNKNOWN),
        (view(config(pools=[pool(first="203.0.113.0", last="203.0.113.9")])), Reason.NOT_IN_POOL),
        (view(forbidden=VIP), Reason.FORBIDDEN_ADDRESS),
        (view(config(advertisements=[])), Reason.NO_ADVERTISEMENT),
        (view(config(peers=[])), Reason.NO_PEER),
        (view(config(peers=[peer(address="fd00:1:1::")])), Reason.NO_PEER),
        (replace(view(), peers={}), Reason.NO_PEER),
        (view(admitted=frozenset()), Reason.DATA_PATH_PENDING),
        (view(admitted={(service("web").key, ip(VIP))}), None),
    ],
)
def test_what_keeps_a_node_from_announcing_has_its_reason(seen: NodeView, reason: Reason | None) -> None:
    assert decision(seen=seen).reason is reason


def test_a_service_of_another_class_is_not_ours() -> None:
    theirs = decide(service("web", VIP, load_balancer_class="example.com/other"), [], view(), lambda _: None)
    assert (theirs.vips, theirs.reason) == ((), Reason.OTHER_CLASS)
    assert decision(service("web", VIP, load_balancer_class=CLASS)).reason is None


def test_a_service_without_vip_says_so() -> None:
    found = decide(service("web"), [], view(), lambda _: None)
    assert (found.vips, found.reason) == ((), Reason.NOT_ASSIGNED)


def test_a_vip_that_belongs_to_another_service_is_not_announced() -> None:
    mine, other = service("web", VIP), service("old", VIP)
    found = decide(mine, [endpoint_slice("web", [endpoint("node1", "10.244.1.1")])], view(), lambda _: other.key)
    assert found.vips[0].reason is Reason.DUPLICATE_ADDRESS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pools": frozenset({PoolName("default")})}, None),
        ({"pools": frozenset({PoolName("other")})}, Reason.NO_ADVERTISEMENT),
        ({"peers": frozenset({PeerName("tor1")})}, None),
        ({"peers": frozenset({PeerName("tor9")})}, Reason.NO_PEER),
        ({"node_selectors": label("rack", "a")}, None),
        ({"node_selectors": label("rack", "b")}, Reason.NO_ADVERTISEMENT),
        ({"service_selectors": label("tier", "web")}, None),
        ({"service_selectors": label("tier", "db")}, Reason.NO_ADVERTISEMENT),
    ],
)
def test_an_advertisement_selects_pool_peer_node_and_service(change: dict[str, object], reason: Reason | None) -> None:
    chosen = replace(advertisement(), **change)  # type: ignore[arg-type]
    seen = view(config(advertisements=[chosen]), node(labels={"rack": "a"}))
    assert decision(service("web", VIP, labels={"tier": "web"}), seen=seen).reason is reason


def test_communities_of_overlapping_advertisements_add_up_per_peer() -> None:
    both = replace(advertisement("both"), communities=frozenset({StandardCommunity(65000, 1)}), local_pref=50)
    first = replace(
        advertisement("first"),
        peers=frozenset({PeerName("tor1")}),
        communities=frozenset({StandardCommunity(65000, 2)}),
        large_communities=frozenset({LargeCommunity(65000, 1, 1)}),
        local_pref=200,
    )
    seen = view(config(peers=[peer("tor1"), peer("tor2", "10.2.1.0")], advertisements=[both, first]))
    intents = {peer: prefixes[host_prefix(ip(VIP))] for peer, prefixes in decision(seen=seen).asked.items()}
    assert intents[PeerName("tor1")].communities == {StandardCommunity(65000, 1), StandardCommunity(65000, 2)}
    assert intents[PeerName("tor1")].large_communities == {LargeCommunity(65000, 1, 1)}
    assert intents[PeerName("tor1")].local_pref == 200
    assert intents[PeerName("tor2")].communities == {StandardCommunity(65000, 1)}
    assert intents[PeerName("tor2")].local_pref == 50


AGGREGATED = replace(advertisement("aggregated"), aggregation_length_v4=24)


def test_an_advertisement_may_ask_for_the_aggregate_and_another_for_the_host_route_too() -> None:
    for advertisements, prefixes in (
        ([AGGREGATED], {"198.51.100.0/24"}),
        ([AGGREGATED, advertisement()], {"198.51.100.0/24", f"{VIP}/32"}),
    ):
        found = decision(seen=view(config(advertisements=advertisements)))
        assert {str(prefix) for prefix in found.asked[PeerName("tor1")]} == prefixes


def test_an_aggregate_that_leaves_the_pool_is_forbidden_and_the_host_route_beside_it_is_not() -> None:
    too_wide = replace(advertisement("aggregated"), aggregation_length_v4=23)
    found = decision(seen=view(config(advertisements=[too_wide])))
    assert (found.reason, found.asked) == (Reason.AGGREGATE_FORBIDDEN, {})
    found = decision(seen=view(config(advertisements=[too_wide, advertisement()])))
    assert list(found.asked[PeerName("tor1")]) == [host_prefix(ip(VIP))]


class OnlyTor2:
    """tor1 is full."""

    def has_place(self, peer: PeerName, prefix: Prefix) -> bool:
        assert prefix == host_prefix(ip(VIP))
        return peer == "tor2"


def test_a_vip_without_a_place_at_a_peer_is_not_announced_there_and_without_any_it_is_withheld() -> None:
    both = replace(view(config(peers=[peer("tor1"), peer("tor2", "10.2.1.0")])), places=OnlyTor2())
    at_one = decision(seen=both)
    assert (at_one.state, at_one.reason, set(at_one.asked)) == (RouteState.NORMAL, None, {"tor2"})
    assert at_one.withheld == {"tor1": {host_prefix(ip(VIP))}}
    found = decision(seen=replace(view(config(peers=[peer("tor1")])), places=OnlyTor2()))
    assert (found.reason, found.asked) == (Reason.PREFIX_LIMIT, {})


def test_places_are_wanted_for_what_may_be_announced_healthy_or_not() -> None:
    seen = view(config(peers=[peer("tor1"), peer("tor2", "10.2.1.0")], advertisements=[AGGREGATED, advertisement()]))
    both = {ip_network("198.51.100.0/24"), host_prefix(ip(VIP))}
    assert wishes(service("web", VIP), seen, lambda _: service("web").key) == {"tor1": both, "tor2": both}
    assert wishes(service("web", VIP), seen, lambda _: service("other").key) == {}
    assert wishes(service("web", "203.0.113.1"), seen, lambda _: service("web").key) == {}
    assert wishes(service("web", VIP, load_balancer_class="other"), seen, lambda _: service("web").key) == {}


def test_a_vip_that_flaps_waits_only_while_another_node_serves_and_only_with_local_traffic_policy() -> None:
    held = replace(view(), held=frozenset({(service("web").key, ip(VIP))}))
    here, there = endpoint("node1", "10.244.1.1"), endpoint("node2", "10.244.2.1")
    unready = endpoint("node2", "10.244.2.1", UNREADY)
    assert decision(slices=[endpoint_slice("web", [here, there])], seen=held).reason is Reason.FLAPPING
    assert decision(slices=[endpoint_slice("web", [here, unready])], seen=held).reason is None
    assert decision(slices=[endpoint_slice("web", [here])], seen=held).reason is None
    assert decision(slices=[endpoint_slice("web", [there])], seen=held).reason is Reason.NO_LOCAL_ENDPOINT
    everywhere = service("web", VIP, policy=TrafficPolicy.CLUSTER)
    assert decision(everywhere, slices=[endpoint_slice("web", [here, there])], seen=held).reason is None


def evidence(*, grace: bool = False, **said: Standing) -> Evidence:
    made = Evidence()
    made.grace = grace
    for source, standing in said.items():
        made.node(Source[source], standing)
    return made


SICK = Standing(RouteState.LAST_RESORT, Reason.DATA_PATH_SILENT)
DRAIN = Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING)
DRAINED = Standing(RouteState.WITHDRAWN, Reason.DRAINED)


@pytest.mark.parametrize(
    ("seen", "standing"),
    [
        (view(evidence=evidence(DRAIN=DRAIN)), DRAIN),
        (view(evidence=evidence(DRAIN=DRAIN, DATA_PATH=SICK)), SICK),
        (view(evidence=evidence(DRAIN=DRAINED, DATA_PATH=SICK)), DRAINED),
        (view(evidence=evidence(DRAIN=DRAINED), admitted=frozenset()), DRAINED),
        (view(evidence=evidence(DRAIN=DRAIN), admitted=frozenset()), PENDING),
        (view(this=EXCLUDED, evidence=evidence(grace=True)), Standing(RouteState.LEAST_PREFERRED, Reason.NODE_EXCLUDED)),
        (view(this=EXCLUDED, evidence=evidence(grace=True, DATA_PATH=SICK)), SICK),
        (view(this=EXCLUDED, evidence=evidence(DATA_PATH=SICK)), Standing(RouteState.WITHDRAWN, Reason.NODE_EXCLUDED)),
        (view(forbidden=VIP, evidence=evidence(DATA_PATH=SICK)), Standing(RouteState.WITHDRAWN, Reason.FORBIDDEN_ADDRESS)),
    ],
)
def test_the_worst_of_the_objects_and_the_evidence_counts(seen: NodeView, standing: Standing) -> None:
    found = decision(seen=seen)
    assert (found.state, found.reason) == (standing.state, standing.reason)
    assert bool(found.asked) == standing.state.is_announced


def test_what_is_known_of_one_vip_concerns_no_other() -> None:
    of_it = Evidence()
    of_it.vip(Source.HEALTH, (service("web").key, ip(VIP)), SICK)
    seen = view(evidence=of_it)
    assert decision(seen=seen).reason is SICK.reason
    assert decision(service("web", "198.51.100.8"), seen=seen).reason is None


def test_a_service_that_ends_here_while_the_node_may_be_sick_is_the_last_resort() -> None:
    ending = [endpoint_slice("web", [endpoint("node1", "10.244.1.1", DRAINING)])]
    assert decision(slices=ending, seen=view(evidence=evidence(DATA_PATH=SICK))).reason is SICK.reason


def test_every_reason_has_a_remedy() -> None:
    assert all(reason.remedy for reason in Reason)
