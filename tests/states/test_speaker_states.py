"""Named states of the cluster and what this node announces in each, reached from every other state in many delivery orders.

Whatever the way, the routes are those of the state: they depend on what is, never on what was or how it was told.
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from bgp_config.communities import GRACEFUL_SHUTDOWN
from bgp_config.names import IPAddress, NodeName, host_prefix
from herald.kube.objects import EXCLUDE_LABEL, Kind, KubeObject, ObjectKey, TrafficPolicy
from herald.kube.source import Change, Gone, Synced, Upsert
from speaker.core import Core
from speaker.evidence import Claim, Source, Standing
from speaker.peering import NodeNetwork
from speaker.peering import Source as PeerSource
from speaker.reasons import Reason
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
    service,
)

WEB, DB, DNS = "198.51.100.1", "198.51.100.2", "2001:db8:100::3"
AGGREGATE = "198.51.100.0/24"
WEB_KEY = ObjectKey("default", "web")
SICK = Standing(RouteState.LAST_RESORT, Reason.HEALTH_CHECK_FAILED)
GONE = Standing(RouteState.WITHDRAWN, Reason.DRAINED)
Evidenced: TypeAlias = tuple[Source, Claim | IPAddress | None]
"""Who knows something, and of what; None is the node."""
BOTH = frozenset({"tor1", "tor2"})
NETWORK = NodeNetwork(
    sources={ip(f"10.{tor}.1.0"): PeerSource(ip(f"10.{tor}.1.1"), on_link=True) for tor in (1, 2)}
    | {ip("fd00:1:1::"): PeerSource(ip("fd00:1:1::1"), on_link=True)}
)


@dataclass(frozen=True)
class State:
    """Objects and evidence of the node, and for each VIP announced the peers that hear it; `least` are least preferred.

    Later objects replace earlier ones of the same key.
    """

    name: str
    objects: tuple[KubeObject, ...]
    announced: Mapping[str, frozenset[str]] = field(default_factory=dict)
    least: frozenset[str] = frozenset()
    grace: bool = False
    known: Mapping[Evidenced, Standing] = field(default_factory=dict)


def identity(thing: KubeObject) -> tuple[Kind, ObjectKey]:
    return getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key


BASE: tuple[KubeObject, ...] = (
    node(),
    pool_manifest("default", "198.51.100.0/24", "2001:db8:100::/112"),
    peer_manifest("tor1"),
    peer_manifest("tor2", "10.2.1.0", peerASN=65002),
    advertisement_manifest(),
    service("web", WEB),
    endpoint_slice("web", [endpoint("node1", "10.244.1.1"), endpoint("node2", "10.244.2.1")]),
    service("db", DB, policy=TrafficPolicy.CLUSTER),
    endpoint_slice("db", [endpoint("node2", "10.244.2.2")]),
)
ALL = {WEB: BOTH, DB: BOTH}


def web(*endpoints: tuple[str, object]) -> KubeObject:
    return endpoint_slice("web", [endpoint(n, f"10.244.9.{i}", c) for i, (n, c) in enumerate(endpoints)])  # type: ignore[arg-type]


NOTHING = State("nothing", ())
STATES = [
    NOTHING,
    State("all is well", BASE, ALL),
    State("web unready here", (*BASE, web(("node1", UNREADY), ("node2", READY))), {DB: BOTH}),
    State("web draining here", (*BASE, web(("node1", DRAINING), ("node2", READY))), ALL, least=frozenset({WEB})),
    State("web draining beside one that stays", (*BASE, web(("node1", DRAINING), ("node1", READY))), ALL),
    State("db draining", (*BASE, endpoint_slice("db", [endpoint("node1", "10.244.1.2", DRAINING)])), ALL),
    State("web only elsewhere", (*BASE, web(("node2", READY))), {DB: BOTH}),
    State("web in two slices", (*BASE, endpoint_slice("web", [endpoint("node1", "10.244.1.9")], name="web-2")), ALL),
    State("web cluster-wide", (*BASE, service("web", WEB, policy=TrafficPolicy.CLUSTER), web(("node2", READY))), ALL),
    State("db unready everywhere", (*BASE, endpoint_slice("db", [endpoint("node2", "10.244.2.2", UNREADY)])), {WEB: BOTH}),
    State("web is no load balancer", (*BASE, service("web", WEB, type_="ClusterIP")), {DB: BOTH}),
    State("web takes the address of db", (*BASE, service("web", DB)), {DB: BOTH}),
    State("web is older and has it", (*BASE, service("web", DB, created="2025"), web(("node2", READY)))),
    State("node excluded", (*BASE, node(labels={EXCLUDE_LABEL: ""}))),
    State("node just excluded", (*BASE, node(labels={EXCLUDE_LABEL: ""})), ALL, least=frozenset(ALL), grace=True),
    State("node sick", BASE, ALL, least=frozenset(ALL), known={(Source.DATA_PATH, None): SICK}),
    State(
        "web sick", BASE, ALL, least=frozenset({WEB}), known={(Source.HEALTH, (ObjectKey("default", "web"), ip(WEB))): SICK}
    ),
    State("db withdrawn by hand", BASE, {WEB: BOTH}, known={(Source.BY_HAND, ip(DB)): GONE}),
    State("node drained and sick", BASE, known={(Source.DRAIN, None): GONE, (Source.DATA_PATH, None): SICK}),
    State(
        "aggregated and one is sick",
        (*BASE, advertisement_manifest(aggregationLengthV4=24)),
        {AGGREGATE: BOTH},
        known={(Source.HEALTH, ip(WEB)): SICK},
    ),
    State("node without network", (*BASE, node(conditions={"NetworkUnavailable": "True"}))),
    State("pool shrunk", (*BASE, pool_manifest("default", f"{WEB}/32")), {WEB: BOTH}),
    State("web to tor1 only", (*BASE, advertisement_manifest(peers=["tor1"])), dict.fromkeys(ALL, frozenset({"tor1"}))),
    State("tor1 takes one prefix", (*BASE, peer_manifest("tor1", maxPrefixes=1)), {DB: BOTH, WEB: frozenset({"tor2"})}),
    State(
        "tor1 takes one and the older is sick",
        (
            *BASE,
            peer_manifest("tor1", maxPrefixes=1),
            service("web", WEB, created="2025"),
            web(("node1", UNREADY), ("node2", READY)),
        ),
        {DB: frozenset({"tor2"})},
    ),
    State("aggregated", (*BASE, advertisement_manifest(aggregationLengthV4=24)), {AGGREGATE: BOTH}),
    State(
        "aggregated to tor1, and one is sick",
        (
            *BASE,
            advertisement_manifest(peers=["tor2"]),
            advertisement_manifest("more", peers=["tor1"], aggregationLengthV4=24),
            web(("node2", READY)),
        ),
        {AGGREGATE: frozenset({"tor1"}), DB: frozenset({"tor2"})},
    ),
    State("aggregated beyond the pool", (*BASE, advertisement_manifest(aggregationLengthV4=23))),
    State(
        "tor2 for another rack",
        (*BASE, peer_manifest("tor2", "10.2.1.0", peerASN=65002, nodeSelectors=[{"matchLabels": {"rack": "b"}}])),
        dict.fromkeys(ALL, frozenset({"tor1"})),
    ),
    State(
        "an IPv6 service and peer",
        (
            *BASE,
            peer_manifest("tor1-v6", "fd00:1:1::"),
            service("dns", DNS),
            endpoint_slice("dns", [endpoint("node1", "fd00::1")], address_type="IPv6"),
        ),
        ALL | {DNS: frozenset({"tor1-v6"})},
    ),
]


def world(state: State) -> dict[tuple[Kind, ObjectKey], KubeObject]:
    return {identity(thing): thing for thing in state.objects}


def changes(before: State, after: State) -> list[Change]:
    old, new = world(before), world(after)
    gone = [Gone(*key) for key in old if key not in new]
    return [*gone, *(Upsert(*key, thing) for key, thing in new.items() if old.get(key) != thing)]


def announced(core: Core) -> dict[str, frozenset[str]]:
    heard: dict[str, set[str]] = {}
    for peer, spec in core.peering.sessions.items():
        for prefix in core.ribs.table(spec):
            is_host = prefix == host_prefix(prefix.network_address)
            heard.setdefault(str(prefix.network_address if is_host else prefix), set()).add(peer)
    return {vip: frozenset(peers) for vip, peers in heard.items()}


def least_preferred(core: Core) -> frozenset[str]:
    tables = (core.ribs.table(spec) for spec in core.peering.sessions.values())
    return frozenset(
        str(prefix.network_address)
        for table in tables
        for prefix, route in table.items()
        if GRACEFUL_SHUTDOWN in route.communities
    )


def tell(core: Core, before: State, after: State) -> None:
    core.give_grace(given=after.grace)
    for source, about in {**before.known, **after.known}:
        standing = after.known.get((source, about))
        if about is None:
            core.stand(source, standing)
        else:
            core.doubt(source, about, standing)


def fresh(admitted: tuple[()] | None = None) -> Core:
    core = Core(NodeName("node1"), "herald-lb.io/bgp", admitted=admitted)
    core.learn(NETWORK)
    return core


def release(core: Core) -> None:
    """The data path has all that waits for it."""
    waiting = [(key, vip) for key, decision in core.decisions.items() for vip in decision.vips]
    core.admit((key, vip.vip) for key, vip in waiting if vip.reason is Reason.DATA_PATH_PENDING)
    core.step()


@pytest.mark.parametrize("grouping", ["all at once", "one by one"])
@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(STATES, 2)), ids=lambda state: state.name)
def test_from_any_state_to_any_other_in_any_order(before: State, after: State, grouping: str) -> None:
    for seed, gate in itertools.product(range(3), (None, ())):
        shuffle = random.Random(seed).shuffle  # noqa: S311 -- a test order
        core = fresh(gate)
        core.apply(Synced(kind) for kind in Kind)
        for old, new in ((NOTHING, before), (before, after)):
            path: list[Change | None] = [*changes(old, new), None]
            shuffle(path)
            for change in path:
                if change is None:
                    tell(core, old, new)
                else:
                    core.apply([change])
                if grouping == "one by one":
                    core.step()
            core.step()
        release(core)
        assert announced(core) == after.announced
        assert least_preferred(core) == after.least


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_state_is_reached_from_a_start_too(state: State) -> None:
    core = fresh()
    core.apply(changes(NOTHING, state))
    tell(core, NOTHING, state)
    core.step()
    assert announced(core) == {}, "announced before sync"
    core.apply(Synced(kind) for kind in Kind)
    core.step()
    assert announced(core) == state.announced
    assert least_preferred(core) == state.least
