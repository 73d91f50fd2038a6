"""The engine against real FRR: how sessions reach their peer, what they offer it, and what else routes can say."""

import json
import sys
import time
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bgp_config.communities import ExtendedCommunity
from bgp_config.names import Family, Prefix
from herald.lab.command import run
from herald.lab.router import Router
from herald.lab.topology import Peering, Settings, rack
from speaker.session import Closed, Established, SessionSpec
from tests.lab import refuser as refuser_program
from tests.lab.announcer import announce
from tests.lab.node_engine import NODE, NodeEngine, on_node, until, vip

pytestmark = pytest.mark.lab

QUIET_S = 3.0
"""So long a session that must not come up is watched: others are up in a second."""
RETRY_S = 2


async def configure(router: Router, *lines: str) -> None:
    await router.vtysh("configure terminal", f"router bgp {router.plan.asn}", *lines)


async def path(node: NodeEngine, tor: str, prefix: Prefix) -> dict[str, Any]:
    """FRR's own words for the only path of the prefix."""
    shown = json.loads(await node.tor(tor).vtysh(f"show bgp ipv{prefix.version} unicast {prefix} json"))
    (only,) = shown["paths"]
    return dict(only)


async def stays_down(node: NodeEngine, spec: SessionSpec) -> None:
    begun = time.monotonic()
    await until(lambda: node.is_up(spec) or time.monotonic() - begun > QUIET_S)
    assert not node.is_up(spec)


@pytest.mark.parametrize("version", [4, 6])
def test_with_ttl_security_both_sides_take_only_packets_from_their_link(tmp_path: Path, version: int) -> None:
    async def body(node: NodeEngine) -> None:
        secure = node.spec(version=version, ttl=255, min_ttl=255)
        node.engine.open(secure, {})
        await stays_down(node, secure)  # FRR sends with a TTL of 1: taken for a router far away
        node.engine.close(secure)
        await configure(node.tor("tor1"), f"neighbor {secure.local_address} ttl-security hops 1")
        plain = node.spec(version=version, ttl=1)
        node.engine.open(plain, {})
        await stays_down(node, plain)  # and FRR takes us for one
        node.engine.close(plain)
        node.engine.open(secure, {})
        await node.in_sync(secure)

    on_node(rack(Settings(nodes=1, ipv6=version == 6)), tmp_path, body)


def test_a_router_some_hops_away_is_reached_with_a_ttl_that_suffices(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spine, uplink = node.lab.topology.spine, node.lab.topology.cable("spine", "tor1")
        near = node.spec()
        far = replace(near, peer_address=uplink.upper.address(4), peer_asn=spine.asn, ttl=2)
        await run(
            "ip", "-n", node.lab.namespace(spine.name), "route", "add", "10.1.1.0/31", "via", str(uplink.lower.address(4))
        )
        await configure(
            node.tor(spine.name),
            f"neighbor {far.local_address} remote-as {far.local_asn}",
            f"neighbor {far.local_address} ebgp-multihop 2",
            "address-family ipv4 unicast",
            f"neighbor {far.local_address} activate",
            f"neighbor {far.local_address} route-map ACCEPT in",
            f"neighbor {far.local_address} route-map NOTHING out",
        )
        one_hop = replace(far, ttl=1)
        node.engine.open(one_hop, {})
        await stays_down(node, one_hop)
        node.engine.close(one_hop)
        node.engine.open(far, node.routes(far, 1))
        await node.in_sync(far)
        assert (await path(node, spine.name, vip(1)))["peer"]["peerId"] == str(far.local_address)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_a_router_may_listen_on_another_port(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        await node.tor("tor1").kill_bgpd()
        await node.tor("tor1").start_bgpd(port=1790)
        spec = node.spec(peer_port=1790)
        node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(spec)
        await node.tor_has("tor1", 1)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_keepalives_come_as_often_as_configured_and_never_less_than_the_hold_time_needs(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        often, thirds = node.spec("tor1", hold_time_s=90, keepalive_time_s=1), node.spec("tor2", hold_time_s=90)
        for spec in (often, thirds):
            node.engine.open(spec, {})
            await node.in_sync(spec)

        async def received(tor: str, spec: SessionSpec) -> int:
            shown = json.loads(await node.tor(tor).vtysh(f"show bgp neighbors {spec.local_address} json"))
            return int(shown[str(spec.local_address)]["messageStats"]["keepalivesRecv"])

        before = await received("tor1", often), await received("tor2", thirds)
        begun = time.monotonic()
        await until(lambda: time.monotonic() - begun > 5)
        # The lab's hold time is 9 s, so a third is 3 s, which a keepalive time of a minute would not change.
        assert 4 <= await received("tor1", often) - before[0] <= 6
        assert 1 <= await received("tor2", thirds) - before[1] <= 2

    on_node(rack(Settings(nodes=1)), tmp_path, body)


@pytest.mark.parametrize("peering", list(Peering))
def test_med_and_extended_communities_arrive_as_they_were_given(tmp_path: Path, peering: Peering) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        extended = (ExtendedCommunity(0x0002_FC00_00000064), ExtendedCommunity(0x0203_00010000_0007))
        attributes = node.attributes(spec, med=50, extended_communities=extended)
        node.engine.open(spec, {vip(number): attributes for number in range(1, 60)})
        await node.in_sync(spec)
        shown = await path(node, "tor1", vip(7))
        assert shown["metric"] == 50
        assert shown["extendedCommunity"]["string"] == "RT:64512:100 SoO:65536:7"
        zero = node.attributes(spec, med=0)
        node.engine.apply(spec, {vip(7): zero})
        await node.programmed(spec, vip(7), zero)
        shown = await path(node, "tor1", vip(7))
        assert shown["metric"] == 0
        assert "extendedCommunity" not in shown

    on_node(rack(Settings(nodes=1, peering=peering)), tmp_path, body)


SIX = ip_network("2001:db8:100::1/128")


def test_one_session_over_ipv4_carries_ipv6_routes_with_an_ipv6_next_hop(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec(families=frozenset(Family))
        six = node.lab.topology.cable(NODE, "tor1").lower.address(6)
        node.engine.open(spec, {vip(1): node.attributes(spec), SIX: node.attributes(spec, next_hop=six)})
        await node.in_sync(spec)
        for prefix, next_hop in ((vip(1), spec.local_address), (SIX, six)):
            shown = await path(node, "tor1", prefix)
            assert shown["peer"]["peerId"] == str(spec.local_address)
            assert ip_address(shown["nexthops"][0]["ip"]) == next_hop
            assert shown["valid"]
        node.engine.apply(spec, {SIX: None})
        await node.programmed(spec, SIX, None)
        await until(lambda: _is_gone(node, 6))

    on_node(rack(Settings(nodes=1, ipv6=True)), tmp_path, body)


async def _is_gone(node: NodeEngine, version: int) -> bool:
    return not await node.rib("tor1", version)


def test_one_session_over_ipv6_carries_ipv4_routes_with_either_next_hop(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec(version=6, families=frozenset(Family))
        four = node.lab.topology.cable(NODE, "tor1").lower.address(4)
        by_four, by_six = node.attributes(spec, next_hop=four), node.attributes(spec)
        node.engine.open(spec, {vip(1): by_four, vip(2): by_six, SIX: by_six})
        await node.in_sync(spec)
        await node.tor_has("tor1", 1)  # FRR did not offer RFC 8950, so nothing that needs it is sent
        await configure(node.tor("tor1"), f"neighbor {spec.local_address} capability extended-nexthop")
        await node.in_sync(spec, times=2)
        await node.tor_has("tor1", 1, 2)
        shown = await path(node, "tor1", vip(2))
        assert ip_address(shown["nexthops"][0]["ip"]) == spec.local_address
        await until(lambda: vip(2) in node.tor("tor1").kernel_routes())
        node.engine.apply(spec, {vip(2): None})
        await node.tor_has("tor1", 1)

    on_node(rack(Settings(nodes=1, ipv6=True)), tmp_path, body)


def test_after_the_routers_limit_of_prefixes_it_is_left_alone(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1, 2, 3))
        await until(lambda: bool(node.of(Closed, spec)))
        begun = time.monotonic()
        await until(lambda: time.monotonic() - begun > QUIET_S)
        (closed,) = node.of(Closed, spec)
        assert closed.error == (6, 1)
        assert "set maxPrefixes below its limit" in closed.why
        assert len(node.of(Established, spec)) == 1, "without the pause it would be up and down again every second"

    on_node(rack(Settings(nodes=1, max_prefixes=2)), tmp_path, body)


REFUSALS = {5: "does somebody else here speak BGP?", 7: "somebody else speaks BGP from it"}


@pytest.mark.parametrize("subcode", list(REFUSALS))
def test_a_router_that_refuses_each_open_is_quoted_once_and_not_hammered(tmp_path: Path, subcode: int) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        await node.tor("tor1").kill_bgpd()
        refuser = node.lab.start("tor1", [sys.executable, refuser_program.__file__, str(subcode)], name="refuser")
        node.engine.open(spec, node.routes(spec, 1))
        begun = time.monotonic()
        await until(lambda: "refused 6" in refuser.output())
        assert time.monotonic() - begun > QUIET_S / 2, "two attempts a second are enough: each is work for the router"
        said = node.of(Closed, spec)
        assert {closed.error for closed in said} == {(6, subcode)}
        assert all(REFUSALS[subcode] in closed.why for closed in said)
        assert len(said) == 1, "what does not change is said once"
        refuser.kill()
        await node.tor("tor1").start_bgpd()
        await node.in_sync(spec)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def active_opens() -> int:
    """How often this namespace has begun to connect (RFC 4022, tcpActiveOpens)."""
    lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


async def next_attempt() -> float:
    """When it was begun."""
    before = active_opens()
    await until(lambda: active_opens() > before)
    return time.monotonic()


def test_a_router_that_is_away_is_tried_as_often_as_configured_and_no_more(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec(connect_retry_s=RETRY_S)
        node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(spec)
        await node.tor("tor1").kill_bgpd()
        attempts = [await next_attempt() for _ in range(5)]
        pauses = [after - before for before, after in pairwise(attempts)]
        assert all(RETRY_S - 0.3 < pause < RETRY_S + 0.7 for pause in pauses[-2:]), pauses
        assert min(pauses[1:]) > 0.7, pauses  # the first: a new ExaBGP, since the session was up
        await node.tor("tor1").start_bgpd()
        assert await node.in_sync(spec, times=2) < RETRY_S + 1.5

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_somebody_else_who_speaks_bgp_from_the_same_address_is_named(tmp_path: Path) -> None:
    """As MetalLB on the same node would."""

    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        other = announce(node.lab, NODE, "tor1", [vip(9)])
        await node.tor_has("tor1", 9, within_s=10)
        node.engine.open(spec, node.routes(spec, 1))
        await until(lambda: any(closed.error == (6, 7) for closed in node.of(Closed, spec)))
        assert any("somebody else speaks BGP from it" in closed.why for closed in node.of(Closed, spec))
        await node.tor_has("tor1", 9)
        other.terminate()
        await node.in_sync(spec)
        await node.tor_has("tor1", 1)

    on_node(rack(Settings(nodes=1)), tmp_path, body)
