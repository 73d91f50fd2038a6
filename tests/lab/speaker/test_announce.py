"""From manifests to the ToRs' kernels: eBGP and iBGP, IPv4 and IPv6, attributes, and what moves when endpoints change."""

import time

import pytest

from bgp_config.communities import LargeCommunity, StandardCommunity
from bgp_config.names import Family, host_prefix
from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.topology import Peering, Settings, rack, two_racks
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab


async def test_every_vip_has_every_node_on_both_tors_and_the_spine_spreads_over_both_tors() -> None:
    async with fabric() as deployment:
        expected = everywhere(deployment)
        assert {tor: deployment.next_hops(tor) for tor in deployment.tors} == dict.fromkeys(deployment.tors, expected)
        routes = deployment.lab.routers[deployment.lab.topology.spine.name].kernel_routes()
        assert all(len(routes[host_prefix(address)].next_hops) == 2 for address in expected)


async def test_an_unready_endpoint_takes_its_node_out_for_its_service_only_and_back() -> None:
    async with fabric() as deployment:
        web, all_nodes = vip(deployment, "web"), everywhere(deployment)
        deployment.write_slice("web", unready=["node2"])
        await deployment.routed(without(all_nodes, "node2", web), 5)
        deployment.write_slice("web")
        await deployment.routed(all_nodes, 5)


async def test_a_cluster_service_stays_announced_everywhere_while_one_endpoint_serves() -> None:
    async with fabric() as deployment:
        all_nodes = everywhere(deployment)
        deployment.write("services/web.yaml", manifests.dump([manifests.service("web", policy="Cluster")]))
        deployment.write_slice("web", unready=["node1", "node2"])
        deployment.write_slice("db", unready=["node1", "node2"])
        db_only = without(without(all_nodes, "node1", vip(deployment, "db")), "node2", vip(deployment, "db"))
        await deployment.routed(db_only, 5)
        deployment.write_slice("web", unready=deployment.nodes)
        await deployment.routed({v: nodes for v, nodes in db_only.items() if v != vip(deployment, "web")}, 5)


async def test_communities_reach_the_router_and_a_change_of_them_withdraws_nothing() -> None:
    async with fabric() as deployment:
        lab, prefix = deployment.lab, host_prefix(vip(deployment, "web"))
        alias = manifests.manifest(Kind.COMMUNITY, "fast", {"value": "64512:100"})
        wanted = {"communities": ["fast", "64512:7", "64512:1:2"]}
        changed = manifests.manifest(Kind.BGP_ADVERTISEMENT, "default", wanted)
        tor = lab.routers[lab.topology.tors[0].name]
        async with lab.capture_updates("node1", tor.name) as updates:
            network = [m for m in manifests.network(lab.topology) if m["kind"] != Kind.BGP_ADVERTISEMENT]
            deployment.write("network.yaml", manifests.dump([*network, alias, changed]))
            deadline = time.monotonic() + 5
            while {p.communities for p in await tor.paths(prefix)} != {
                frozenset({StandardCommunity(64512, 100), StandardCommunity(64512, 7)})
            }:
                assert time.monotonic() < deadline, await tor.paths(prefix)
            assert all(path.large_communities == {LargeCommunity(64512, 1, 2)} for path in await tor.paths(prefix))
            assert all(path.as_path == (64512,) for path in await tor.paths(prefix))
            assert [u for u in updates.events if u.update.withdrawn] == []


async def test_ibgp_sends_local_pref_and_no_as_path() -> None:
    topology = rack(Settings(peering=Peering.IBGP))
    async with fabric(topology) as deployment:
        lab, prefix = deployment.lab, host_prefix(vip(deployment, "web"))
        network = [m for m in manifests.network(topology) if m["kind"] != Kind.BGP_ADVERTISEMENT]
        preferred = manifests.manifest(Kind.BGP_ADVERTISEMENT, "default", {"localPref": 250})
        deployment.write("network.yaml", manifests.dump([*network, preferred]))
        tor = lab.routers[topology.tors[0].name]
        deadline = time.monotonic() + 5
        while {p.local_pref for p in await tor.paths(prefix)} != {250}:
            assert time.monotonic() < deadline, await tor.paths(prefix)
        own = [path for path in await tor.paths(prefix) if path.as_path == ()]
        assert len(own) == len(deployment.nodes)


async def test_ipv6_and_dual_stack_services_are_announced_over_ipv6_sessions() -> None:
    topology = rack(Settings(ipv6=True))
    async with fabric(topology, services=("web",)) as deployment:
        dual = manifests.service("dual", families=("IPv4", "IPv6"))
        slices = [manifests.endpoint_slice("dual", deployment.nodes, family=family) for family in ("IPv4", "IPv6")]
        deployment.write("services/dual.yaml", manifests.dump([dual, *slices]))
        deadline = time.monotonic() + 10
        while len(everywhere(deployment)) != 3:
            assert time.monotonic() < deadline, deployment.vips()
        await deployment.routed(everywhere(deployment), 10)
        tor = deployment.lab.routers[topology.tors[0].name]
        v6 = next(address for address in everywhere(deployment) if address.version == 6)
        paths = await tor.paths(host_prefix(v6))
        assert {path.peer.version for path in paths} == {6}
        assert all(session.established for session in (await tor.sessions(Family.IPV6)).values())


async def test_in_two_racks_each_tor_has_the_nodes_that_it_is_cabled_to() -> None:
    async with fabric(two_racks(), all_nodes_everywhere=False) as deployment:
        web = vip(deployment, "web")
        tor_a, tor_b = deployment.tors
        addresses = everywhere(deployment)
        await deployment.routed(dict.fromkeys(addresses, frozenset({"node1", "node2"})), 10, [tor_a])
        await deployment.routed(dict.fromkeys(addresses, frozenset({"node2", "node3"})), 10, [tor_b])
        deployment.write_slice("web", unready=["node2"])
        await deployment.routed(
            dict.fromkeys(addresses, frozenset({"node1", "node2"})) | {web: frozenset({"node1"})}, 5, [tor_a]
        )
        await deployment.routed(
            dict.fromkeys(addresses, frozenset({"node2", "node3"})) | {web: frozenset({"node3"})}, 5, [tor_b]
        )
