"""The routers' configuration is what an operator would write; golden files show it in full.

`UPDATE_GOLDEN=1 pytest tests/unit/herald/lab/test_frr.py` writes them anew, for the diff to be read.
"""

import os
from pathlib import Path

import pytest

from herald.lab.frr import bfdd_config, bgpd_config, zebra_config
from herald.lab.topology import Bfd, Peering, Router, Settings, Topology, rack, two_racks

GOLDEN = Path(__file__).parent / "golden"
PLANS = {
    "rack": rack(),
    "rack-ipv6-md5": rack(Settings(ipv6=True, passwords={"node1-tor1": "one", "node2-tor2": "two"})),
    "rack-bfd": rack(Settings(nodes=1, bfd=Bfd(interval_ms=100))),
    "two-racks-ibgp": two_racks(Settings(peering=Peering.IBGP, graceful_restart=False)),
}
EVERY_ROUTER = [
    pytest.param(plan, router, id=f"{name}-{router.name}") for name, plan in PLANS.items() for router in plan.routers
]


@pytest.mark.parametrize("name", PLANS)
def test_the_configuration_is_the_golden_one(name: str) -> None:
    plan = PLANS[name]
    parts = [_whole(router, plan) for router in plan.routers]
    golden, written = GOLDEN / f"{name}.conf", "\n".join(parts)
    if "UPDATE_GOLDEN" in os.environ:
        golden.write_text(written)
    assert written == golden.read_text()


@pytest.mark.parametrize(("plan", "router"), EVERY_ROUTER)
def test_every_active_neighbor_has_a_policy_in_and_out(plan: Topology, router: Router) -> None:
    lines = [line.strip() for line in bgpd_config(router, plan).splitlines()]
    active = [line.split()[1] for line in lines if line.endswith(" activate")]
    assert active
    for neighbor in set(active):
        policies = [line for line in lines if line.startswith(f"neighbor {neighbor} route-map")]
        assert sorted(line.split()[-1] for line in policies) == sorted(["in", "out"] * active.count(neighbor))
        assert f"neighbor {neighbor} prefix-list" in " ".join(lines)


def test_only_the_last_tor_listens_for_a_range_and_restarts_gracefully() -> None:
    plan = rack()
    tor1, tor2 = (bgpd_config(tor, plan) for tor in plan.tors)
    assert "listen range" not in tor1
    assert "graceful-restart" not in tor1
    assert "bgp listen range 10.2.0.0/16 peer-group NODES" in tor2
    assert "bgp graceful-restart\n" in tor2


def test_a_listening_tor_names_only_the_ports_with_a_password() -> None:
    plan = rack(Settings(passwords={"node2-tor2": "two"}))
    lines = bgpd_config(plan.tors[1], plan).splitlines()
    assert [line.split()[1] for line in lines if " peer-group NODES" in line and "range" not in line] == ["10.2.2.1"]
    assert " neighbor 10.2.2.1 password two" in lines


def test_the_limit_of_prefixes_and_the_timers_are_those_asked_for() -> None:
    plan = rack(Settings(max_prefixes=7, hold_time_s=30, keepalive_time_s=10))
    config = bgpd_config(plan.tors[0], plan)
    assert "neighbor NODES maximum-prefix 7\n" in config
    assert "neighbor NODES timers 10 30\n" in config


def test_vips_come_back_from_the_spine_only_where_a_tor_has_clients() -> None:
    for plan, comes_back in ((rack(), False), (two_racks(), True)):
        lines = bgpd_config(plan.spine, plan).splitlines()
        assert any("FABRIC-OUT-V4" in line and "198.51.100.0/24" in line for line in lines) is comes_back


def _whole(router: Router, plan: Topology) -> str:
    bfdd = bfdd_config(router, plan)
    return f"! {router.name}\n{zebra_config(router, plan)}!\n{bgpd_config(router, plan)}" + (f"!\n{bfdd}" if bfdd else "")


def test_tors_that_strip_communities_take_none_from_nodes_and_honour_none() -> None:
    plan = two_racks(Settings(strips_communities=True))
    tor = bgpd_config(plan.tors[0], plan).splitlines()
    at = tor.index("route-map STRIP permit 10")
    assert tor[at + 1] == " set community none"
    assert "  neighbor NODES route-map STRIP in" in tor
    assert "  neighbor NODES route-map ACCEPT in" not in tor
    assert "STRIP" not in bgpd_config(plan.spine, plan)
