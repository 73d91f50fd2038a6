"""Routes and UPDATEs are seen as they happen, with time stamps that can be trusted to a few milliseconds."""

import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from bgp_config.names import Prefix
from herald.lab.capture import CapturedUpdate
from herald.lab.command import run
from herald.lab.follow import RouteChange
from herald.lab.lab import Lab
from herald.lab.topology import Settings
from herald.lab.topology import rack as rack_of
from tests.lab.announcer import announce
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

VIP = ip_network("198.51.100.7/32")
OTHER_VIP = ip_network("198.51.100.8/32")
VIP6 = ip_network("2001:db8:100::7/128")


async def test_every_route_change_is_followed_and_stamped_when_it_was_made(rack: Lab) -> None:
    steps = [
        ("add", "via 10.1.1.1", {IPv4Address("10.1.1.1")}),
        ("replace", "nexthop via 10.1.1.1 nexthop via 10.1.2.1", {IPv4Address("10.1.1.1"), IPv4Address("10.1.2.1")}),
        ("delete", "", None),
    ]
    async with rack.follow_routes("tor1") as routes:
        for verb, to, next_hops in steps:
            before = time.monotonic()
            await run("ip", "-n", rack.namespace("tor1"), "route", verb, str(VIP), *to.split())
            after = time.monotonic()
            change = await routes.first(concerns(VIP, since=before), 2)
            assert change.next_hops == next_hops
            assert before < change.at < after + 0.01


async def test_a_dump_and_the_followed_changes_agree_on_ipv6_ecmp(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack_of(Settings(ipv6=True)))
    to = ["nexthop", "via", "fd00:1:1::1", "nexthop", "via", "fd00:1:2::1"]
    async with lab.follow_routes("tor1") as routes:
        await run("ip", "-n", lab.namespace("tor1"), "route", "add", str(VIP6), *to)
        change = await routes.first(concerns(VIP6), 2)
    assert change.next_hops == frozenset({IPv6Address("fd00:1:1::1"), IPv6Address("fd00:1:2::1")})
    assert lab.routers["tor1"].kernel_routes()[VIP6].next_hops == change.next_hops


async def test_updates_on_a_link_are_captured_with_sender_and_time_before_the_routers_route(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack_of(Settings(ipv6=True)))
    async with lab.capture_updates("node1", "tor1") as updates, lab.follow_routes("tor1") as routes:
        announce(lab, "node1", "tor1", [VIP, OTHER_VIP, VIP6])
        for prefix in (VIP, OTHER_VIP, VIP6):
            seen = await updates.first(announces(prefix), 10)
            installed = await routes.first(concerns(prefix), 10)
            assert (seen.sender, seen.receiver) == (IPv4Address("10.1.1.1"), IPv4Address("10.1.1.0"))
            assert seen.at < installed.at < seen.at + 1


async def test_a_withdrawal_is_captured_on_the_way_to_the_spine_and_a_cut_cable_does_not_end_the_capture(rack: Lab) -> None:
    async with rack.capture_updates("tor1", "spine") as updates, rack.capture_updates("node1", "tor1") as at_node:
        announce(rack, "node1", "tor1", [VIP])
        await updates.first(announces(VIP), 10)
        begin = time.monotonic()
        await rack.cut("node1", "tor1")
        gone = await updates.first(lambda seen: VIP in seen.update.withdrawn, 10)
        assert begin < gone.at < begin + 1
        await rack.restore("node1", "tor1")
        await at_node.first(announces(VIP, since=gone.at), 15)


def concerns(prefix: Prefix, since: float = 0) -> Callable[[RouteChange], bool]:
    return lambda change: change.prefix == prefix and change.at > since


def announces(prefix: Prefix, since: float = 0) -> Callable[[CapturedUpdate], bool]:
    return lambda seen: prefix in seen.update.announced and seen.at > since
