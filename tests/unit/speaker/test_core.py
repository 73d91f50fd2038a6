"""The core: work proportional to the change, nothing before sync, and the incremental result is the full one."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgp_config.names import NodeName, PeerName, host_prefix
from herald.kube.objects import Kind, KubeObject, ObjectKey, TrafficPolicy
from herald.kube.source import Change, Gone, Synced, Upsert
from speaker.core import Core, NodeNetwork
from speaker.peering import Source
from speaker.reasons import Reason
from tests.builders import (
    READY,
    UNREADY,
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    ip,
    node,
    peer_manifest,
    pool_manifest,
    secret,
    service,
)

NETWORK = NodeNetwork(
    sources={
        ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True),
        ip("10.2.1.0"): Source(ip("10.2.1.1"), on_link=True),
    },
    addresses=frozenset({ip("10.1.1.1"), ip("10.2.1.1")}),
)
SYNCED = [Synced(kind) for kind in Kind]
CONFIG: list[KubeObject] = [node(), pool_manifest(), peer_manifest(), advertisement_manifest()]


def kind_of(thing: KubeObject) -> Kind:
    return getattr(thing, "kind", None) or Kind(type(thing).__name__)


def upsert(thing: KubeObject) -> Upsert:
    return Upsert(kind_of(thing), thing.key, thing)


def core(things: Iterable[KubeObject]) -> Core:
    made = Core(NodeName("node1"), "herald-lb.io/bgp")
    made.apply([upsert(thing) for thing in things])
    made.apply(SYNCED)
    made.learn(NETWORK)
    made.step()
    return made


def announced(made: Core) -> dict[str, set[str]]:
    """VIPs by peer, as the tables have them."""
    return {
        peer: {str(prefix.network_address) for prefix in made.ribs.table(spec)}
        for peer, spec in made.peering.sessions.items()
    }


def one_service(name: str, vip: str, **more: str) -> list[KubeObject]:
    return [service(name, vip, **more), endpoint_slice(name, [endpoint("node1", "10.244.1.1")])]  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", list(Kind))
def test_nothing_is_announced_before_every_kind_is_synced(missing: Kind) -> None:
    made = Core(NodeName("node1"), "herald-lb.io/bgp")
    made.apply([upsert(thing) for thing in CONFIG + one_service("web", "198.51.100.7")])
    made.apply([Synced(kind) for kind in Kind if kind is not missing])
    made.learn(NETWORK)
    assert made.step().decided == 0
    assert announced(made) == {}
    made.apply([Synced(missing)])
    made.step()
    assert announced(made) == {"tor1": {"198.51.100.7"}}


def test_at_ten_thousand_vips_one_endpoint_event_decides_exactly_one_service() -> None:
    pools: list[KubeObject] = [node(), pool_manifest("default", "10.64.0.0/16"), peer_manifest(), advertisement_manifest()]
    vips = [f"10.64.{i // 250}.{i % 250}" for i in range(10_000)]
    services: list[KubeObject] = [thing for i, vip in enumerate(vips) for thing in one_service(f"web-{i}", vip)]
    made = core(pools + services)
    assert len(made.ribs.table(made.peering.sessions[PeerName("tor1")])) == 10_000
    made.ribs.take_changes()
    made.apply([upsert(endpoint_slice("web-7", [endpoint("node1", "10.244.1.1", UNREADY)]))])
    outcome = made.step()
    assert outcome.decided == 1
    assert [len(changes) for changes in made.ribs.take_changes().values()] == [1]


def test_a_change_of_the_node_or_of_configuration_decides_all() -> None:
    made = core(CONFIG + one_service("a", "198.51.100.7") + one_service("b", "198.51.100.8"))
    made.apply([upsert(advertisement_manifest(communities=["65000:1"]))])
    assert made.step().decided == 2
    made.apply([upsert(node(labels={"rack": "b"}))])
    assert made.step().decided == 2


def test_the_older_of_two_services_holds_an_address_and_the_younger_gets_it_when_that_goes() -> None:
    made = core(CONFIG + one_service("young", "198.51.100.7") + one_service("old", "198.51.100.7", created="2025"))
    young, old = ObjectKey("default", "young"), ObjectKey("default", "old")
    assert made.decisions[young].vips[0].reason is Reason.DUPLICATE_ADDRESS
    assert made.decisions[old].vips[0].reason is None
    made.apply([Gone(Kind.SERVICE, old)])
    made.step()
    assert made.decisions[young].vips[0].reason is None
    assert announced(made) == {"tor1": {"198.51.100.7"}}


def test_a_refused_change_of_configuration_keeps_what_was_announced() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"))
    made.ribs.take_changes()
    made.apply([upsert(pool_manifest("default", "no address")), upsert(peer_manifest(peerASN=-1))])
    made.step()
    assert made.ribs.take_changes() == {}
    assert announced(made) == {"tor1": {"198.51.100.7"}}


def test_a_password_that_vanishes_or_turns_unusable_stays_in_force() -> None:
    reference = {"namespace": "herald-system", "name": "tor1"}
    peers: list[KubeObject] = [peer_manifest(passwordSecret=reference), secret("tor1", "s3cret")]
    made = core([node(), pool_manifest(), advertisement_manifest(), *peers])
    before = made.peering.sessions
    made.apply([upsert(secret("tor1", ""))])
    made.apply([Gone(Kind.SECRET, ObjectKey("herald-system", "tor1"))])
    made.step()
    assert made.peering.sessions == before
    made.apply([upsert(secret("tor1", "rotated"))])
    made.step()
    assert made.peering.sessions[PeerName("tor1")].password == b"rotated"


def test_a_session_that_waits_to_be_replaced_is_kept_up_to_date() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"))
    old = made.peering.sessions[PeerName("tor1")]
    made.apply([upsert(peer_manifest(holdTimeSeconds=9))])
    made.step(running=[old])
    made.ribs.take_changes()
    made.apply([upsert(endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)]))])
    made.step(running=[old])
    new = made.peering.sessions[PeerName("tor1")]
    assert old != new
    prefix = host_prefix(ip("198.51.100.7"))
    assert made.ribs.take_changes() == {old: {prefix: None}, new: {prefix: None}}


def test_transitions_are_reported_once() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"))
    unready = upsert(endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)]))
    made.apply([unready])
    assert [t.reason for t in made.step().transitions] == [Reason.NO_ENDPOINT]
    made.apply([unready])
    assert made.step().transitions == ()


NAMES, VIPS = ["a", "b", "c"], ["198.51.100.1", "198.51.100.2", "203.0.113.9"]
services = st.builds(
    lambda name, vips, created, policy, kind: service(name, *vips, created=created, policy=policy, type_=kind),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(VIPS), max_size=2, unique=True),
    st.sampled_from(["2025", "2026"]),
    st.sampled_from(TrafficPolicy),
    st.sampled_from(["LoadBalancer", "LoadBalancer", "ClusterIP"]),
)
slices = st.builds(
    lambda owner, name, where, conditions: endpoint_slice(
        owner, [endpoint(where, "10.244.1.1", conditions)], name=f"slice-{name}"
    ),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(["node1", "node2"]),
    st.sampled_from([READY, UNREADY]),
)
others: st.SearchStrategy[KubeObject] = st.sampled_from(
    [
        node(),
        node(labels={"rack": "b"}),
        pool_manifest("default", "198.51.100.0/24"),
        pool_manifest("default", "198.51.100.1/32", "203.0.113.0/24"),
        peer_manifest("tor1"),
        peer_manifest("tor1", holdTimeSeconds=9),
        peer_manifest("tor2", "10.2.1.0", nodeSelectors=[{"matchLabels": {"rack": "b"}}]),
        advertisement_manifest("all"),
        advertisement_manifest("all", communities=["65000:1"], peers=["tor1"]),
        advertisement_manifest("more", serviceSelectors=[{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]),
    ]
)
objects = services | slices | others


@dataclass(frozen=True)
class Forget:
    """The object of this draw vanishes."""

    thing: KubeObject


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(objects | st.builds(Forget, objects), max_size=4), max_size=12))
def test_incremental_equals_full(batches: list[list[KubeObject | Forget]]) -> None:
    incremental = core([])
    world: dict[tuple[Kind, ObjectKey], KubeObject] = {}
    for batch in batches:
        for item in batch:
            thing = item.thing if isinstance(item, Forget) else item
            identity = kind_of(thing), thing.key
            change: Change = Gone(*identity) if isinstance(item, Forget) else upsert(thing)
            world.pop(identity, None)
            if not isinstance(item, Forget):
                world[identity] = thing
            incremental.apply([change])
        incremental.step()
    full = core(world.values())
    assert incremental.decisions == full.decisions
    assert incremental.peering == full.peering
    assert announced(incremental) == announced(full)
    for spec in full.peering.sessions.values():
        assert incremental.ribs.table(spec) == full.ribs.table(spec)
