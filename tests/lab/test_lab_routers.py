"""The lab's routers are real, take their whole configuration, and let through what an operator would."""

from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from bgp_config.communities import GRACEFUL_SHUTDOWN
from bgp_config.names import Family, Prefix
from herald.lab.lab import Lab
from herald.lab.topology import Peering, Settings, Topology, rack, two_racks
from herald.lab.waiting import until
from tests.lab.announcer import announce, announce_everywhere
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

VIP = ip_network("198.51.100.7/32")
VIP6 = ip_network("2001:db8:100::7/128")
NOT_SHOWN = {"ip forwarding", "ipv6 forwarding"}
"""What FRR leaves out of its running configuration, because it would be so anyway."""
PASSWORDS = {"node1-tor1": "s3cret-1", "node2-tor2": "s3cret-2"}


@pytest.mark.parametrize("peering", list(Peering))
@pytest.mark.parametrize("shape", [rack, two_racks])
async def test_frr_takes_every_line_of_its_configuration(
    raise_lab: RaiseLab, shape: Callable[[Settings], Topology], peering: Peering
) -> None:
    lab = await raise_lab(shape(Settings(peering=peering, ipv6=True, passwords=PASSWORDS)))
    for router in lab.routers.values():
        running = {line.strip() for line in (await router.vtysh("show running-config")).splitlines()}
        for name in ("zebra", "bgpd"):
            configured = (router.directory / f"{name}.conf").read_text().splitlines()
            assert {line.strip() for line in configured if line != "!"} - running <= NOT_SHOWN
            assert "%" not in (router.directory / f"{name}.out").read_text()


async def test_tors_peer_with_the_spine_over_ipv4_and_ipv6(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack(Settings(ipv6=True)))
    for family, peers in ((Family.IPV4, {"10.0.1.1", "10.0.2.1"}), (Family.IPV6, {"fd00:0:1::1", "fd00:0:2::1"})):
        sessions = await lab.routers["spine"].sessions(family)
        assert {session.peer for session in sessions.values() if session.established} == {ip_address(peer) for peer in peers}


async def test_a_vip_of_all_nodes_has_all_next_hops_in_both_tors_and_both_tors_in_the_spine(rack: Lab) -> None:
    await announce_everywhere(rack, [VIP])
    for tor, number in (("tor1", 1), ("tor2", 2)):
        expected = {IPv4Address(f"10.{number}.{node}.1") for node in (1, 2, 3)}
        await until(partial(has_next_hops, rack, tor, expected), 10)
    await until(lambda: next_hops(rack, "spine", VIP) == {IPv4Address("10.0.1.1"), IPv4Address("10.0.2.1")}, 10)


async def test_ibgp_nodes_are_ecmp_next_hops_and_the_spine_learns_the_vip(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack(Settings(peering=Peering.IBGP)))
    await announce_everywhere(lab, [VIP])
    await until(lambda: next_hops(lab, "tor1", VIP) == {IPv4Address(f"10.1.{node}.1") for node in (1, 2, 3)}, 10)
    await until(lambda: len(next_hops(lab, "spine", VIP)) == 2, 10)
    assert {path.as_path for path in await lab.routers["tor1"].paths(VIP)} == {()}


async def test_an_ipv6_vip_has_all_next_hops(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack(Settings(ipv6=True)))
    await announce_everywhere(lab, [VIP6])
    expected = {IPv6Address(f"fd00:2:{node}::1") for node in (1, 2, 3)}
    await until(lambda: next_hops(lab, "tor2", VIP6) == expected, 10)


async def test_tors_accept_only_host_routes_of_the_pools(rack: Lab) -> None:
    outside = [ip_network("203.0.113.1/32"), ip_network("198.51.100.0/25")]
    announce(rack, "node1", "tor1", [*outside, VIP])
    await until(lambda: next_hops(rack, "tor1", VIP), 10)
    assert {path.prefix for path in await rack.routers["tor1"].rib() if path.peer == IPv4Address("10.1.1.1")} == {VIP}


async def test_a_route_with_graceful_shutdown_is_the_last_choice(rack: Lab) -> None:
    announce(rack, "node1", "tor1", [VIP], community="65535:0 64512:100")
    announce(rack, "node2", "tor1", [VIP])
    await until(lambda: next_hops(rack, "tor1", VIP) == {IPv4Address("10.1.2.1")}, 10)
    leaving = next(path for path in await rack.routers["tor1"].paths(VIP) if path.peer == IPv4Address("10.1.1.1"))
    assert (leaving.local_pref, leaving.best, leaving.as_path) == (0, False, (64512,))
    assert GRACEFUL_SHUTDOWN in leaving.communities


@pytest.mark.parametrize(("tor", "node"), [("tor1", "node1"), ("tor2", "node2")])
async def test_a_node_port_with_a_password_takes_no_session_without_it(raise_lab: RaiseLab, tor: str, node: str) -> None:
    lab = await raise_lab(rack(Settings(passwords=PASSWORDS)))
    wrong = announce(lab, node, tor, [VIP], password=None)
    announce(lab, "node3", tor, [VIP])
    port = lab.topology.cable(node, tor).lower.address(4)
    await until(lambda: next_hops(lab, tor, VIP), 10)
    assert port not in next_hops(lab, tor, VIP)
    await wrong.end()
    announce(lab, node, tor, [VIP])
    await until(lambda: port in next_hops(lab, tor, VIP), 10)


async def test_a_stopped_tor_is_left_by_the_spine_and_comes_back(rack: Lab) -> None:
    await announce_everywhere(rack, [VIP])
    await until(lambda: len(next_hops(rack, "spine", VIP)) == 2, 10)
    await rack.routers["tor1"].stop()
    await until(lambda: next_hops(rack, "spine", VIP) == {IPv4Address("10.0.2.1")}, 10)
    await rack.routers["tor1"].start()
    await rack.fabric_up()


async def test_clients_of_rack_a_reach_vips_that_only_rack_b_has(two_racks: Lab) -> None:
    announce(two_racks, "node3", "torB", [VIP])
    await until(lambda: next_hops(two_racks, "torA", VIP) == {IPv4Address("10.0.1.0")}, 10)


def next_hops(lab: Lab, router: str, prefix: Prefix) -> frozenset[object]:
    route = lab.routers[router].kernel_routes().get(prefix)
    return frozenset(route.next_hops) if route else frozenset()


def has_next_hops(lab: Lab, router: str, expected: set[IPv4Address]) -> bool:
    return next_hops(lab, router, VIP) == expected
