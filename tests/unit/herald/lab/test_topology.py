"""The lab's networks have the addresses that manifests, docs and tests count on."""

from ipaddress import ip_interface

import pytest

from herald.lab.topology import MAX_NODES, Cable, Peering, Settings, Shape, Topology, build, rack, two_racks

ALL = [rack(), rack(Settings(ipv6=True)), two_racks(), two_racks(Settings(ipv6=True, peering=Peering.IBGP))]
ALL += [rack(Settings(control=True, ipv6=True)), two_racks(Settings(control=True))]


def addresses(cable: Cable) -> list[tuple[str, ...]]:
    return [tuple(map(str, end.addresses)) for end in (cable.upper, cable.lower)]


def test_a_rack_puts_every_node_on_both_tors() -> None:
    plan = rack(Settings(nodes=5))
    assert plan.machines == ("spine", "tor1", "tor2", "node1", "node2", "node3", "node4", "node5", "client")
    assert all(plan.tors_of(node.name) == ("tor1", "tor2") for node in plan.nodes)


def test_two_racks_put_node1_on_a_node3_on_b_and_node2_on_both() -> None:
    plan = two_racks()
    assert [plan.tors_of(f"node{number}") for number in (1, 2, 3)] == [("torA",), ("torA", "torB"), ("torB",)]
    assert [plan.gateways(client.name)[0].machine for client in plan.clients] == ["spine", "torA", "torB"]


def test_a_port_has_the_numbers_of_tor_and_node_in_its_addresses() -> None:
    plan = rack(Settings(ipv6=True))
    assert addresses(plan.cable("tor2", "node3")) == [("10.2.3.0/31", "fd00:2:3::/127"), ("10.2.3.1/31", "fd00:2:3::1/127")]
    assert addresses(plan.cable("tor1", "spine")) == [("10.0.1.0/31", "fd00:0:1::/127"), ("10.0.1.1/31", "fd00:0:1::1/127")]
    assert plan.nodes[1].addresses == (ip_interface("10.0.255.2/32"), ip_interface("fd00:0:255::2/128"))
    assert plan.clients[0].addresses[:2] == (ip_interface("10.9.0.10/24"), ip_interface("fd00:9::10/64"))


def test_ebgp_nodes_share_an_as_and_each_tor_has_its_own() -> None:
    plan = rack()
    assert {node.asn for node in plan.nodes} == {64512}
    assert [router.asn for router in plan.routers] == [65100, 65001, 65002]


def test_ibgp_puts_nodes_and_tors_in_one_as_and_the_spine_in_another() -> None:
    plan = rack(Settings(peering=Peering.IBGP))
    assert {node.asn for node in plan.nodes} == {tor.asn for tor in plan.tors} == {65000}
    assert plan.spine.asn == 65100


def test_without_ipv6_there_is_no_ipv6_address() -> None:
    plan = two_racks()
    ends = [end for cable in plan.cables for end in (cable.upper, cable.lower)]
    assert {interface.version for end in ends for interface in end.addresses} == {4}


@pytest.mark.parametrize("plan", ALL)
def test_no_address_is_given_twice(plan: Topology) -> None:
    given = [interface.ip for cable in plan.cables for end in (cable.upper, cable.lower) for interface in end.addresses]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("nodes", [0, MAX_NODES + 1])
def test_a_number_of_nodes_without_addresses_is_refused(nodes: int) -> None:
    with pytest.raises(ValueError, match="nodes"):
        build(Shape.RACK, Settings(nodes=nodes))


def test_machines_without_a_cable_between_them_are_named() -> None:
    with pytest.raises(KeyError, match="no cable between node1 and node2"):
        rack().cable("node1", "node2")


def test_a_control_plane_is_one_more_machine_on_a_network_of_its_own() -> None:
    plan, without = rack(Settings(ipv6=True, control=True)), rack(Settings(ipv6=True))
    assert plan.machines == (*without.machines, "control")
    assert [cable for cable in plan.cables if "control" not in {cable.upper.machine, cable.lower.machine}] == list(
        without.cables
    )
    assert addresses(plan.cable("node2", "control")) == [
        ("10.8.2.0/31", "fd00:8:2::/127"),
        ("10.8.2.1/31", "fd00:8:2::1/127"),
    ]
    assert all(plan.tors_of(node.name) == ("tor1", "tor2") for node in plan.nodes)
