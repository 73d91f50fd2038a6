"""The client's load reaches the nodes over ECMP, and tells refusals, failures and broken connections apart."""

import json
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address, ip_network

import pytest

from bgp_config.names import IPAddress
from herald.lab.command import run
from herald.lab.lab import Lab
from herald.lab.load_report import Outcome, Result
from herald.lab.topology import Settings
from herald.lab.topology import rack as rack_of
from herald.lab.traffic import Endpoint, Load, LoadPlan
from herald.lab.waiting import until
from tests.lab.announcer import announce_everywhere
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

VIP = ip_address("198.51.100.7")
VIP6 = ip_address("2001:db8:100::7")


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_new_connections_spread_over_all_nodes_and_both_tors(raise_lab: RaiseLab, vip: IPAddress) -> None:
    lab = await raise_lab(rack_of(Settings(ipv6=True)))
    await serve(lab, vip)
    load = lab.start_load([vip], LoadPlan(rate=100))
    await until(lambda: load.report().requests >= 200, 20)
    report = await load.finish()
    assert (report.failed, report.reset) == (0, 0)
    assert set(report.by_node) == {"node1", "node2", "node3"}
    assert all(count > report.requests * 0.15 for count in report.by_node.values())
    carried = {tor: await packets_towards_nodes(lab, tor) for tor in ("tor1", "tor2")}
    assert all(packets > sum(carried.values()) * 0.2 for packets in carried.values())


async def test_an_endpoint_told_to_fail_is_counted_as_failed_until_it_is_well_again(rack: Lab) -> None:
    endpoints = await serve(rack, VIP)
    load = rack.start_load([VIP], LoadPlan(rate=100))
    await seen(load, lambda result: result.node == "node1")
    endpoints["node1"].fail()
    failure = await seen(load, lambda result: result.outcome is Outcome.FAILED)
    assert (failure.node, failure.why) == ("node1", "HTTP 503")
    endpoints["node1"].heal()
    await seen(load, lambda result: result.at > failure.at + 0.1 and result.node == "node1" and not result.why)
    assert (await load.finish()).reset == 0


async def test_a_refused_connection_has_failed_and_a_killed_endpoints_open_one_was_reset(rack: Lab) -> None:
    endpoints = await serve(rack, VIP)
    load = rack.start_load([VIP], LoadPlan(rate=50, held=9))
    await seen(load, lambda result: result.node == "node2" and result.connection == "held")
    endpoints["node2"].process.kill()
    reset = await seen(load, lambda result: result.outcome is Outcome.RESET)
    assert reset.connection == "held"
    refused = await seen(load, lambda result: result.outcome is Outcome.FAILED)
    assert refused.why == "Connection refused"
    report = await load.finish()
    assert report.failed + report.reset == len(report.failures)


async def test_an_endpoint_told_to_refuse_takes_no_new_connection(rack: Lab) -> None:
    endpoints = await serve(rack, VIP)
    load = rack.start_load([VIP], LoadPlan(rate=50))
    endpoints["node3"].refuse()
    await seen(load, lambda result: result.why == "Connection refused")
    endpoints["node3"].heal()
    healed = time.monotonic()
    await seen(load, lambda result: result.at > healed and result.node == "node3")


async def serve(lab: Lab, vip: IPAddress) -> dict[str, Endpoint]:
    """All nodes announce the VIP and serve it, and the spine knows both ways."""
    prefix = ip_network(vip)
    endpoints = {node.name: lab.start_endpoint(node.name) for node in lab.topology.nodes}
    await announce_everywhere(lab, [prefix])
    for tor in ("tor1", "tor2"):
        await until(partial(has_hops, lab, tor, vip, 3), 15)
    await until(partial(has_hops, lab, "spine", vip, 2), 15)
    return {str(name): endpoint for name, endpoint in endpoints.items()}


def has_hops(lab: Lab, router: str, vip: IPAddress, count: int) -> bool:
    route = lab.routers[router].kernel_routes().get(ip_network(vip))
    return route is not None and len(route.next_hops) == count


async def seen(load: Load, wanted: Callable[[Result], bool]) -> Result:
    """The first result that is wanted."""

    def look() -> list[Result]:
        return [result for result in load.report().results if wanted(result)]

    return (await until(look, 20))[0]


async def packets_towards_nodes(lab: Lab, tor: str) -> int:
    """What the ToR has sent out of its node ports."""
    links = json.loads(await run("ip", "-json", "-statistics", "-n", lab.namespace(tor), "link"))
    return sum(link["stats64"]["tx"]["packets"] for link in links if link["ifname"].startswith("node"))
