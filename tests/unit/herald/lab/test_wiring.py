"""A topology becomes namespaces, cables through the wire, sysctls and one ruleset."""

import pytest

from herald.lab import wiring
from herald.lab.topology import Settings, Topology, rack, two_racks

PLAN = rack(Settings(nodes=2, ipv6=True))


def test_every_name_of_a_namespace_begins_with_that_of_its_lab() -> None:
    names = wiring.namespaces(PLAN, "abc")
    assert names[0] == "hl-abc-wire"
    assert all(name.startswith("hl-abc-") for name in names)


def test_device_names_fit_the_kernels_15_characters_even_with_the_most_nodes() -> None:
    for plan in (rack(Settings(nodes=250, control=True)), two_racks()):
        devices = [device for cable in plan.cables for device in (*wiring.inner_ends(cable), cable.upper.device)]
        assert max(map(len, devices)) <= 15


@pytest.mark.parametrize("plan", [PLAN, two_racks()])
def test_inner_ends_have_indexes_that_no_machine_uses(plan: Topology) -> None:
    indexes = [int(line.split(" index ")[1].split()[0]) for line in wiring.link_commands(plan, "abc")]
    assert len(set(indexes)) == len(indexes) == 2 * len(plan.cables)
    assert min(indexes) > 2 * len(plan.machines)


def test_a_node_sends_to_both_tors_and_a_client_to_its_router() -> None:
    node = list(wiring.machine_commands(PLAN, "node2"))
    assert "route add 0.0.0.0/0 nexthop via 10.1.2.0 dev tor1 nexthop via 10.2.2.0 dev tor2" in node
    assert "route add ::/0 nexthop via fd00:1:2:: dev tor1 nexthop via fd00:2:2:: dev tor2" in node
    assert "route add 0.0.0.0/0 nexthop via 10.9.0.1 dev spine" in list(wiring.machine_commands(PLAN, "client"))


def test_routers_get_no_default_route_and_nodes_keep_their_addresses_on_lo() -> None:
    assert not any("route" in line for line in wiring.machine_commands(PLAN, "tor1"))
    assert "address add 10.0.255.2/32 dev lo" in list(wiring.machine_commands(PLAN, "node2"))


def test_the_wire_forwards_each_inner_end_to_the_other_and_drops_the_silenced_first() -> None:
    ruleset = wiring.wire_ruleset(PLAN)
    for one, other in (("tor1-node1", "node1-tor1"), ("node1-tor1", "tor1-node1")):
        chain = next(line for line in ruleset.splitlines() if f'device "{one}"' in line)
        assert chain.index("@silenced drop") < chain.index(f'fwd to "{other}"')


def test_every_machine_hashes_with_a_seed_of_its_own_over_ports_where_the_kernel_has_seeds() -> None:
    settings = [wiring.sysctls(PLAN, machine, hash_seed=True) for machine in PLAN.machines]
    assert len({setting["ipv4/fib_multipath_hash_seed"] for setting in settings}) == len(PLAN.machines)
    assert {setting["ipv4/fib_multipath_hash_policy"] for setting in settings} == {"1"}
    assert all(0 < int(setting["ipv4/fib_multipath_hash_seed"]) < 2**32 for setting in settings)


def test_without_seeds_the_spine_hashes_over_addresses_so_that_the_tors_hash_differently() -> None:
    policies = {m: wiring.sysctls(PLAN, m, hash_seed=False)["ipv4/fib_multipath_hash_policy"] for m in PLAN.machines}
    assert policies.pop(PLAN.spine.name) == "0"
    assert set(policies.values()) == {"1"}
    assert len(PLAN.clients[0].addresses) > 4


def test_only_routers_forward() -> None:
    forwarding = {m for m in PLAN.machines if "ipv4/ip_forward" in wiring.sysctls(PLAN, m, hash_seed=True)}
    assert forwarding == {"spine", "tor1", "tor2"}


def test_nodes_reach_the_control_plane_and_one_another_through_it_and_clients_do_not() -> None:
    plan = rack(Settings(nodes=2, control=True))
    node = list(wiring.machine_commands(plan, "node2"))
    assert "route add 10.8.0.0/16 via 10.8.2.0 dev control" in node
    assert "route add 10.0.255.0/24 via 10.8.2.0 dev control" in node
    assert "route add 0.0.0.0/0 nexthop via 10.1.2.0 dev tor1 nexthop via 10.2.2.0 dev tor2" in node
    control = list(wiring.machine_commands(plan, "control"))
    assert "address add 10.8.0.1/32 dev lo" in control
    assert [line for line in control if "route" in line] == [
        f"route add 10.0.255.{number}/32 via 10.8.{number}.1 dev node{number}" for number in (1, 2)
    ]
    assert list(wiring.machine_commands(plan, "client")) == list(wiring.machine_commands(rack(Settings(nodes=2)), "client"))


def test_with_a_control_plane_nodes_forward_too() -> None:
    plan = rack(Settings(nodes=2, control=True))
    forwarding = {m for m in plan.machines if "ipv4/ip_forward" in wiring.sysctls(plan, m, hash_seed=True)}
    assert forwarding == {"spine", "tor1", "tor2", "node1", "node2", "control"}
