"""The core: work proportional to the change, nothing before sync, and the incremental result is the full one."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgp_config.names import IPAddress, NodeName, PeerName, host_prefix
from herald.kube.objects import (
    EXCLUDE_LABEL,
    Kind,
    KubeObject,
    Metadata,
    ObjectKey,
    ServiceCIDR,
    ServiceCIDRSpec,
    TrafficPolicy,
)
from herald.kube.source import Change, Gone, Synced, Upsert
from speaker.core import Core
from speaker.evidence import Claim, Source, Standing
from speaker.peering import NodeNetwork
from speaker.peering import Source as PeerSource
from speaker.reasons import PeerReason, Reason
from speaker.route import RouteState
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
    secret,
    service,
)

NETWORK = NodeNetwork(
    sources={
        ip("10.1.1.0"): PeerSource(ip("10.1.1.1"), on_link=True),
        ip("10.2.1.0"): PeerSource(ip("10.2.1.1"), on_link=True),
    },
    addresses=frozenset({ip("10.1.1.1"), ip("10.2.1.1")}),
)
SYNCED = [Synced(kind) for kind in Kind]
CONFIG: list[KubeObject] = [node(), pool_manifest(), peer_manifest(), advertisement_manifest()]


def kind_of(thing: KubeObject) -> Kind:
    return getattr(thing, "kind", None) or Kind(type(thing).__name__)


def upsert(thing: KubeObject) -> Upsert:
    return Upsert(kind_of(thing), thing.key, thing)


def core(
    things: Iterable[KubeObject],
    admitted: Iterable[Claim] | None = None,
    evidence: "Iterable[Say]" = (),
    *,
    grace: bool = False,
) -> Core:
    """`admitted`: what the data-path gate let through; None: there is no gate."""
    made = Core(NodeName("node1"), "herald-lb.io/bgp", admitted=admitted)
    made.give_grace(given=grace)
    for each in evidence:
        each.to(made)
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


def test_the_first_speaker_of_a_boot_greets_its_peers_with_nothing_as_soon_as_it_knows_them() -> None:
    for greets in (False, True):
        made = Core(NodeName("node1"), "herald-lb.io/bgp")
        made.greets = greets
        made.apply([*map(upsert, [*CONFIG, *one_service("web", "198.51.100.7")])])
        made.learn(NETWORK)
        for kind in (Kind.NODE, Kind.BGP_PEER, Kind.BFD_PROFILE):
            made.apply([Synced(kind)])
            made.step()
            assert announced(made) == {}
        made.apply([Synced(Kind.SECRET)])
        made.step()
        assert announced(made) == ({"tor1": set()} if greets else {})
        made.apply(SYNCED)
        made.step()
        assert announced(made) == {"tor1": {"198.51.100.7"}}


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


def test_what_a_service_cidr_covers_is_not_announced() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"))
    cluster_range = ServiceCIDR(metadata=Metadata(name="kubernetes"), spec=ServiceCIDRSpec(cidrs=["198.51.100.0/29", "?"]))
    made.apply([upsert(cluster_range)])
    made.step()
    assert announced(made) == {"tor1": set()}
    assert made.decisions[WEB[0]].vips[0].reason is Reason.FORBIDDEN_ADDRESS
    made.apply([Gone(Kind.SERVICE_CIDR, cluster_range.key)])
    made.step()
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


def test_a_session_stays_while_the_secret_that_its_peer_names_anew_is_awaited_and_no_longer() -> None:
    def named(name: str) -> KubeObject:
        return peer_manifest(passwordSecret={"namespace": "herald-system", "name": name})

    made = core([node(), pool_manifest(), advertisement_manifest(), named("old"), secret("old", "s3cret")])
    before = made.peering.sessions[PeerName("tor1")]
    made.await_secrets(frozenset({ObjectKey("herald-system", "new")}))
    made.apply([upsert(named("new"))])
    made.step()
    assert made.peering.sessions == {"tor1": before}
    made.await_secrets(frozenset())
    made.step()
    assert made.peering.refused == {"tor1": PeerReason.PASSWORD_MISSING}
    made.apply([upsert(secret("new", "rotated"))])
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


def test_a_service_beyond_the_limit_is_withheld_until_an_older_one_goes() -> None:
    limited: list[KubeObject] = [node(), pool_manifest(), peer_manifest(maxPrefixes=2), advertisement_manifest()]
    services = [(f"s{n}", f"198.51.100.{n}", f"2026-01-0{n}T00:00:00Z") for n in range(1, 4)]
    made = core(limited + [thing for name, vip, created in services for thing in one_service(name, vip, created=created)])
    assert announced(made) == {"tor1": {"198.51.100.1", "198.51.100.2"}}
    youngest = ObjectKey("default", "s3")
    assert made.decisions[youngest].vips[0].reason is Reason.PREFIX_LIMIT
    assert made.beyond_limits == {"tor1": 1}
    made.apply([upsert(endpoint_slice("s1", [endpoint("node1", "10.244.1.1", UNREADY)]))])
    made.step()
    assert announced(made) == {"tor1": {"198.51.100.2"}}, "a sick Service keeps its place, as on all other nodes"
    made.apply([Gone(Kind.SERVICE, ObjectKey("default", "s1"))])
    outcome = made.step()
    assert {t.service.name for t in outcome.transitions if t.reason is None and t.state is RouteState.NORMAL} == {"s3"}
    assert announced(made) == {"tor1": {"198.51.100.2", "198.51.100.3"}}
    made.apply([upsert(peer_manifest(maxPrefixes=1))])
    made.step()
    assert announced(made) == {"tor1": {"198.51.100.2"}}


def test_an_aggregate_is_announced_while_one_of_its_vips_is_and_only_that_is_told() -> None:
    conf: list[KubeObject] = [node(), pool_manifest(), peer_manifest(), advertisement_manifest(aggregationLengthV4=24)]
    made = core(conf + one_service("a", "198.51.100.7") + one_service("b", "198.51.100.8"))
    aggregate = ip_network("198.51.100.0/24")
    session = made.peering.sessions[PeerName("tor1")]
    assert set(made.ribs.table(session)) == made.aggregates == {aggregate}
    made.ribs.take_changes()
    for name, vip, gone in (("a", "198.51.100.7", {}), ("b", "198.51.100.8", {session: {aggregate: None}})):
        made.apply([upsert(endpoint_slice(name, [endpoint("node1", "10.244.1.1", UNREADY)]))])
        outcome = made.step()
        assert (set(outcome.lost), set(outcome.gained)) == ({ip(vip)}, set())
        assert not made.announces(ip(vip))
        assert made.ribs.take_changes() == gone
    assert made.aggregates == set()
    made.apply([upsert(endpoint_slice("a", [endpoint("node1", "10.244.1.1")]))])
    assert made.step().gained == {ip("198.51.100.7")}
    assert set(made.ribs.table(session)) == {aggregate}


def test_advertisements_that_disagree_are_named_with_what_is_used() -> None:
    two: list[KubeObject] = [advertisement_manifest("a", med=3), advertisement_manifest("b", med=5)]
    made = core([node(), pool_manifest(), peer_manifest(), *two])
    made.apply([upsert(thing) for thing in one_service("web", "198.51.100.7")])
    made.step()
    (conflict,) = made.conflicts
    assert str(conflict) == "a, b disagree about med where they overlap: 3 is used"
    made.apply([upsert(advertisement_manifest("b", med=3))])
    made.step()
    assert made.conflicts == frozenset()


def test_a_disagreement_is_forgotten_with_the_service_that_it_was_about() -> None:
    two: list[KubeObject] = [advertisement_manifest("a", med=3), advertisement_manifest("b", med=5)]
    made = core([node(), pool_manifest(), peer_manifest(), *two, *one_service("web", "198.51.100.7")])
    assert len(made.conflicts) == 1
    made.apply([Gone(Kind.SERVICE, ObjectKey("default", "web"))])
    made.step()
    assert made.conflicts == frozenset()


def test_what_is_held_waits_until_it_is_let_go() -> None:
    two = [endpoint_slice("web", [endpoint("node1", "10.244.1.1"), endpoint("node2", "10.244.2.1")])]
    gone = [endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY), endpoint("node2", "10.244.2.1")])]
    made = core([*CONFIG, service("web", "198.51.100.7"), *gone])
    made.hold([WEB])
    made.apply([upsert(two[0])])
    assert [t.reason for t in made.step().transitions] == [Reason.FLAPPING]
    made.let_go([WEB])
    assert [t.state for t in made.step().transitions] == [RouteState.NORMAL]


def test_transitions_are_reported_once() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"))
    unready = upsert(endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)]))
    made.apply([unready])
    assert [t.reason for t in made.step().transitions] == [Reason.NO_ENDPOINT]
    made.apply([unready])
    assert made.step().transitions == ()


def pending(made: Core) -> list[Claim]:
    """What waits for the data path."""
    vips = [(key, vip) for key, decision in made.decisions.items() for vip in decision.vips]
    return [(key, vip.vip) for key, vip in vips if vip.reason is Reason.DATA_PATH_PENDING]


WEB = ObjectKey("default", "web"), ip("198.51.100.7")
IS_UNREADY = upsert(endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)]))
IS_READY = upsert(endpoint_slice("web", [endpoint("node1", "10.244.1.1")]))


def test_an_announcement_waits_for_the_gate_and_a_withdrawal_does_not() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=())
    assert announced(made) == {"tor1": set()}
    assert pending(made) == [WEB]
    made.admit([WEB])
    assert made.step().decided == 1
    assert announced(made) == {"tor1": {"198.51.100.7"}}
    made.apply([IS_UNREADY])
    made.step()
    assert announced(made) == {"tor1": set()}


def test_what_was_withdrawn_waits_again_and_what_is_announced_does_not() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=[WEB])
    made.apply([upsert(service("web", "198.51.100.7", labels={"tier": "gold"}))])
    made.step()
    assert announced(made) == {"tor1": {"198.51.100.7"}}
    for change in (IS_UNREADY, IS_READY):
        made.apply([change])
        made.step()
    assert announced(made) == {"tor1": set()}
    assert pending(made) == [WEB]


def test_what_is_released_too_late_is_not_announced_and_waits_again() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=())
    made.apply([IS_UNREADY])
    made.admit([WEB])
    made.step()
    made.apply([IS_READY])
    made.step()
    assert announced(made) == {"tor1": set()}
    assert made.admitted == frozenset()


def test_what_an_earlier_life_let_through_and_is_gone_is_forgotten() -> None:
    gone, other_vip = (ObjectKey("default", "gone"), WEB[1]), (WEB[0], ip("198.51.100.8"))
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=[WEB, gone, other_vip])
    assert made.admitted == {WEB}
    made.hold([gone])
    made.learn(NodeNetwork())
    made.step()
    assert made.held == frozenset()


SICK = Standing(RouteState.LAST_RESORT, Reason.DATA_PATH_SILENT)


def test_evidence_of_one_vip_decides_only_the_services_that_claim_it() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7") + one_service("db", "198.51.100.8"))
    made.doubt(Source.HEALTH, WEB, SICK)
    assert made.step().decided == 1
    made.doubt(Source.HEALTH, WEB, SICK)
    assert made.step().decided == 0
    made.doubt(Source.BY_HAND, WEB[1], SICK)
    assert made.step().decided == 1
    made.doubt(Source.BY_HAND, ip("198.51.100.9"), SICK)
    assert made.step().decided == 0


def test_evidence_of_the_node_decides_all_and_touches_no_session() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7") + one_service("db", "198.51.100.8"))
    before = made.peering
    made.stand(Source.DATA_PATH, SICK)
    outcome = made.step()
    assert (outcome.decided, made.peering is before) == (2, True)
    assert {str(t) for t in outcome.transitions} == {"announcing, least preferred"}
    (table,) = (made.ribs.table(spec) for spec in made.peering.sessions.values())
    assert {len(route.as_path) for route in table.values()} == {13}
    assert made.node_standing == SICK


def test_what_becomes_least_preferred_keeps_its_place_and_does_not_wait_at_the_gate_again() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=[WEB])
    made.stand(Source.DATA_PATH, SICK)
    outcome = made.step()
    assert (outcome.gained, outcome.lost) == (frozenset(), frozenset())
    made.stand(Source.DATA_PATH, None)
    assert [t.state for t in made.step().transitions] == [RouteState.NORMAL]


def test_what_evidence_withdraws_waits_at_the_gate_again() -> None:
    made = core(CONFIG + one_service("web", "198.51.100.7"), admitted=[WEB])
    made.stand(Source.DRAIN, Standing(RouteState.WITHDRAWN, Reason.DRAINED))
    made.step()
    assert pending(made) == []
    made.stand(Source.DRAIN, None)
    made.step()
    assert pending(made) == [WEB]


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
    st.sampled_from([READY, UNREADY, DRAINING]),
)
others: st.SearchStrategy[KubeObject] = st.sampled_from(
    [
        node(),
        node(labels={"rack": "b"}),
        node(labels={EXCLUDE_LABEL: ""}),
        pool_manifest("default", "198.51.100.0/24"),
        pool_manifest("default", "198.51.100.1/32", "203.0.113.0/24"),
        peer_manifest("tor1"),
        peer_manifest("tor1", holdTimeSeconds=9),
        peer_manifest("tor1", maxPrefixes=1),
        peer_manifest("tor2", "10.2.1.0", nodeSelectors=[{"matchLabels": {"rack": "b"}}]),
        advertisement_manifest("all"),
        advertisement_manifest("all", aggregationLengthV4=24),
        advertisement_manifest("more", med=9),
        advertisement_manifest("other", aggregationLengthV4=25, med=7),
        advertisement_manifest("all", communities=["65000:1"], peers=["tor1"]),
        advertisement_manifest("more", serviceSelectors=[{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]),
    ]
)
objects = services | slices | others


@dataclass(frozen=True)
class Forget:
    """The object of this draw vanishes."""

    thing: KubeObject


class Release:
    """The data-path gate releases all that waits."""


@dataclass(frozen=True)
class Say:
    """What a source knows of the node (None), of a Service's VIP, or of a VIP."""

    source: Source
    about: Claim | IPAddress | None
    standing: Standing | None

    def to(self, made: Core) -> None:
        if self.about is None:
            made.stand(self.source, self.standing)
        else:
            made.doubt(self.source, self.about, self.standing)


standings = st.sampled_from(
    [
        None,
        Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING),
        Standing(RouteState.LAST_RESORT, Reason.STALE),
        Standing(RouteState.WITHDRAWN, Reason.WITHDRAWN_BY_HAND),
    ]
)
claims: st.SearchStrategy[Claim] = st.builds(
    lambda name, vip: (ObjectKey("default", name), ip(vip)), st.sampled_from(NAMES), st.sampled_from(VIPS)
)
words = st.builds(Say, st.sampled_from(Source), st.none() | claims | claims.map(lambda claim: claim[1]), standings)
graces = st.booleans()
Event = KubeObject | Forget | Release | Say | bool
"""A bool: whether the node has a grace, should it leave."""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(objects | st.builds(Forget, objects) | st.builds(Release) | words | graces, max_size=4), max_size=12),
    st.sampled_from([None, ()]),
)
def test_incremental_equals_full(batches: list[list[Event]], gate: tuple[()] | None) -> None:
    incremental, evidence, grace = core([], gate), dict[object, Say](), False
    world: dict[tuple[Kind, ObjectKey], KubeObject] = {}
    for batch in batches:
        for item in batch:
            if isinstance(item, Release):
                incremental.admit(pending(incremental))
                continue
            if isinstance(item, Say):
                evidence[item.source, item.about] = item
                item.to(incremental)
                continue
            if isinstance(item, bool):
                grace = item
                incremental.give_grace(given=item)
                continue
            thing = item.thing if isinstance(item, Forget) else item
            identity = kind_of(thing), thing.key
            change: Change = Gone(*identity) if isinstance(item, Forget) else upsert(thing)
            world.pop(identity, None)
            if not isinstance(item, Forget):
                world[identity] = thing
            incremental.apply([change])
        incremental.step()
    full = core(world.values(), gate if gate is None else incremental.admitted, evidence.values(), grace=grace)
    assert incremental.decisions == full.decisions
    assert incremental.conflicts == full.conflicts
    assert incremental.peering == full.peering
    assert announced(incremental) == announced(full)
    for spec in full.peering.sessions.values():
        assert incremental.ribs.table(spec) == full.ribs.table(spec)
