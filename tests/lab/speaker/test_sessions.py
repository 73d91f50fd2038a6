"""Sessions as operators run them: what a BGPPeer and a BGPAdvertisement can say, from manifests to FRR's JSON."""

import asyncio
import json
import select
import socket
import struct
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from bgp_config.names import IPAddress, Prefix, host_prefix
from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.command import run
from herald.lab.deployment import Deployment
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside
from herald.lab.router import Router
from herald.lab.topology import Settings, rack
from herald.lab.waiting import until
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab

IP_RECVERR = 11
HOST_UNREACHABLE = (3, 1)
NODE_ASN = 64512
TIMEOUT_S = 10.0


def tor(deployment: Deployment, number: int = 0) -> Router:
    return deployment.lab.routers[deployment.lab.topology.tors[number].name]


def write_network(deployment: Deployment, change: Callable[[Manifest], Manifest | None], *more: Manifest) -> None:
    """The lab's own network, each object as `change` makes it, or without it."""
    changed = [new for each in manifests.network(deployment.lab.topology) if (new := change(each)) is not None]
    deployment.write("network.yaml", manifests.dump([*changed, *more]))


def peers_with(**fields: object) -> Callable[[Manifest], Manifest]:
    def change(each: Manifest) -> Manifest:
        return {**each, "spec": {**each["spec"], **fields}} if each["kind"] == Kind.BGP_PEER else each

    return change


def without_advertisement(each: Manifest) -> Manifest | None:
    return None if each["kind"] == Kind.BGP_ADVERTISEMENT else each


def advertisement(name: str = "default", **spec: object) -> Manifest:
    return manifests.manifest(Kind.BGP_ADVERTISEMENT, name, spec)


async def paths(router: Router, prefix: Prefix) -> list[dict[str, Any]]:
    """FRR's own words for all paths of the prefix that nodes announced."""
    shown = json.loads(await router.vtysh(f"show bgp ipv{prefix.version} unicast {prefix} json"))
    return [path for path in shown.get("paths", []) if path["peer"]["peerId"] != "0.0.0.0"]


async def established(deployment: Deployment) -> dict[str, int]:
    """How often each session of tor1 with a node was established."""
    sessions = await tor(deployment).sessions()
    return {str(peer): session.times_established for peer, session in sessions.items() if session.peer_asn == NODE_ASN}


async def test_an_edit_of_advertisements_changes_every_attribute_and_resets_nothing() -> None:
    async with fabric() as deployment:
        prefix, before = host_prefix(vip(deployment, "web")), await established(deployment)
        wanted: dict[str, Any] = {"med": 70, "asPathPrepend": 2, "communities": ["64512:7", "1:2:3", "target:64512:9"]}
        async with deployment.lab.capture_updates("node1", "tor1") as updates:
            write_network(deployment, without_advertisement, advertisement(**wanted), advertisement("more", med=90))

            async def changed() -> bool:
                return all(path.get("metric") == 70 for path in await paths(tor(deployment), prefix))

            await until(changed, TIMEOUT_S)
            for path in await paths(tor(deployment), prefix):
                assert path["aspath"]["string"] == "64512 64512 64512"
                assert path["community"]["string"] == "64512:7"
                assert path["largeCommunity"]["string"] == "1:2:3"
                assert path["extendedCommunity"]["string"] == "RT:64512:9"
            assert [u for u in updates.events if u.update.withdrawn] == []
        assert await established(deployment) == before
        said = [speaker.output() for speaker in deployment.speakers.values()]
        assert all("default, more disagree about med where they overlap: 70 is used" in text for text in said)


async def test_several_changed_peers_are_replaced_one_at_a_time() -> None:
    async with fabric() as deployment:
        before = await established(deployment)
        downs: list[int] = []

        async def replaced() -> bool:
            """On the way each node always has a session with one of the ToRs."""
            states = [await router.sessions() for router in (tor(deployment), tor(deployment, 1))]
            down = 0
            for number, _ in enumerate(deployment.nodes, 1):
                sessions = [
                    next((s for peer, s in of_tor.items() if str(peer) == f"10.{t}.{number}.1"), None)
                    for t, of_tor in enumerate(states, 1)
                ]
                down = max(down, sum(session is None or not session.established for session in sessions))
            downs.append(down)
            now = await established(deployment)
            return all(now.get(peer, 0) > times for peer, times in before.items()) and down == 0

        write_network(deployment, peers_with(holdTimeSeconds=30, keepaliveTimeSeconds=1))
        await until(replaced, 20)
        assert max(downs) == 1, downs
        await deployment.routed(everywhere(deployment), 5)


async def test_one_peer_object_serves_every_rack_by_what_the_nodes_say() -> None:
    async with fabric() as deployment:
        all_routes = everywhere(deployment)

        def say(each: Manifest) -> Manifest | None:
            if each["kind"] == Kind.BGP_PEER:
                return None
            if each["kind"] == Kind.NODE:
                number = each["metadata"]["name"].removeprefix("node")
                each["metadata"]["annotations"] = {f"example.com/tor{t}": f"10.{t}.{number}.0" for t in (1, 2)}
                each["metadata"]["labels"] |= {f"example.com/asn{t}": f"6500{t}" for t in (1, 2)}
            return each

        one_for_all = [
            manifests.manifest(
                Kind.BGP_PEER,
                f"tor{t}",
                {
                    "localASN": 64512,
                    "peerASNFrom": {"nodeLabel": f"example.com/asn{t}"},
                    "peerAddressFrom": {"nodeAnnotation": f"example.com/tor{t}"},
                    "holdTimeSeconds": 9,
                },
            )
            for t in (1, 2)
        ]
        before = await established(deployment)
        write_network(deployment, say, *one_for_all)
        await asyncio.sleep(4)  # longer than the directory waits before a removal counts
        await deployment.routed(all_routes, 10)
        assert await established(deployment) == before, "the same session under another name is the same session"


async def test_over_ipv4_sessions_go_ipv6_routes_with_the_ports_own_next_hop() -> None:
    topology = rack(Settings(ipv6=True))
    async with fabric(topology, services=("web",)) as deployment:
        dual = manifests.service("dual", families=("IPv4", "IPv6"))
        slices = [manifests.endpoint_slice("dual", deployment.nodes, family=family) for family in ("IPv4", "IPv6")]
        deployment.write("services/dual.yaml", manifests.dump([dual, *slices]))

        def both(each: Manifest) -> Manifest | None:
            if each["metadata"]["name"].endswith("-v6"):
                return None
            return peers_with(families=["IPv4", "IPv6"])(each)

        write_network(deployment, both)

        async def over_ipv4() -> bool:
            six = [address for address in everywhere(deployment) if address.version == 6]
            shown = [path for address in six for path in await paths(tor(deployment), host_prefix(address))]
            return len(shown) == 3 and all("." in path["peer"]["peerId"] for path in shown)

        await until(over_ipv4, 20)
        await deployment.routed(everywhere(deployment), 10)
        v6 = next(address for address in everywhere(deployment) if address.version == 6)
        hops = {path["nexthops"][0]["ip"] for path in await paths(tor(deployment), host_prefix(v6))}
        assert hops == {f"fd00:1:{number}::1" for number in (1, 2, 3)}


async def test_new_vips_beyond_max_prefixes_are_withheld_everywhere_alike_and_no_session_is_lost() -> None:
    async with fabric(services=("a", "b", "c")) as deployment:
        before = await established(deployment)
        await tor(deployment).vtysh(
            "configure terminal", "router bgp 65001", "address-family ipv4 unicast", "neighbor NODES maximum-prefix 3"
        )
        write_network(deployment, peers_with(maxPrefixes=3))

        deployment.write_slice("a", unready=["node1"])
        for name in ("y", "z"):
            deployment.write_service(name)

        async def assigned() -> bool:
            return len(deployment.vips()) == 5

        await until(assigned, TIMEOUT_S)
        expected = without(everywhere(deployment), "node1", vip(deployment, "a"))
        # Files have no creation time, so names decide: a, b and c stay, though a has no endpoint on node1.
        three = {vip(deployment, name): expected[vip(deployment, name)] for name in ("a", "b", "c")}
        await deployment.routed(three, 10)
        await asyncio.sleep(2)
        await deployment.routed(three, 1)
        assert await established(deployment) == before, "maxPrefixes is no part of the session"
        assert all('"prefixLimit"' in speaker.output() for speaker in deployment.speakers.values())


async def kernel_has(deployment: Deployment, node: str, aggregate: Prefix) -> bool:
    """As an unreachable route."""
    shown = await run("ip", "-n", deployment.lab.namespace(node), "route", "show", "type", "unreachable")
    return str(aggregate) in shown


def icmp_answer(address: IPAddress) -> tuple[tuple[int, int], IPAddress]:
    """Type and code of the ICMP error that a packet to this address comes back with, and who sent it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as io:
        io.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        io.connect((str(address), 9))
        io.send(b"x")
        poller = select.poll()
        poller.register(io, 0)
        assert poller.poll(3000), "no answer"
        _, ((_, _, error), *_), _, _ = io.recvmsg(64, 512, socket.MSG_ERRQUEUE)
        kind, code, sender = struct.unpack_from("=5xBB13x4s", error)  # struct sock_extended_err, struct sockaddr_in
        return (kind, code), ip_address(sender)


async def test_an_aggregate_is_announced_with_its_first_vip_and_loops_nothing() -> None:
    async with fabric(flags=("--bind-vips",)) as deployment:
        aggregate, nodes = ip_network("198.51.100.0/25"), set(deployment.nodes)
        for router in deployment.lab.routers.values():
            lists = ("VIPS-V4", "FABRIC-IN-V4", "FABRIC-OUT-V4")
            permitted = [f"ip prefix-list {name} seq 1 permit {aggregate}" for name in lists]
            await router.vtysh("configure terminal", *permitted)
        write_network(deployment, without_advertisement, advertisement(aggregationLengthV4=25))

        async def on_tor(*names: str) -> bool:
            hops = deployment.node_addresses("tor1")
            routes = tor(deployment).kernel_routes()
            has = {hops[hop] for hop in routes[aggregate].next_hops if hop in hops} if aggregate in routes else set()
            return has == set(names) and not deployment.next_hops("tor1")

        await until(lambda: on_tor(*nodes), TIMEOUT_S)
        assert all([await kernel_has(deployment, node, aggregate) for node in nodes])
        deployment.write_slice("web", unready=["node1"])
        deployment.write_slice("db", unready=["node1", "node2"])

        await until(lambda: on_tor("node2", "node3"), TIMEOUT_S)

        async def gone() -> bool:
            return not await kernel_has(deployment, "node1", aggregate)

        await until(gone, TIMEOUT_S)
        assert await kernel_has(deployment, "node2", aggregate)
        unused, client = ip_address("198.51.100.99"), deployment.lab.namespace("client")

        async def known() -> bool:
            return aggregate in deployment.lab.routers[deployment.lab.topology.spine.name].kernel_routes()

        await until(known, TIMEOUT_S)
        answer, sender = await asyncio.to_thread(inside, client, lambda: icmp_answer(unused))
        assert answer == HOST_UNREACHABLE, "instead of going back and forth until its TTL ends"
        assert sender in {*deployment.node_addresses("tor1"), *deployment.node_addresses("tor2")}
        deployment.write_slice("web", unready=["node1", "node2"])
        await until(lambda: on_tor("node3"), TIMEOUT_S)
        assert deployment.speakers["node2"].output().count("session down") == 0, "with its speaker alive"
        for node in nodes:
            deployment.speakers[node].terminate()
        await until(on_tor, TIMEOUT_S)


async def test_a_flapping_endpoint_is_withdrawn_at_once_and_announced_ever_later() -> None:
    async with fabric(services=("web",)) as deployment:
        all_nodes, web = everywhere(deployment), vip(deployment, "web")
        waits = []
        for _ in range(4):
            deployment.write_slice("web", unready=["node1"])
            await deployment.routed(without(all_nodes, "node1", web), 2)
            begun = deployment.write_slice("web")
            await deployment.routed(all_nodes, 10)
            waits.append(time.monotonic() - begun)
        for waited, least in zip(waits, (0, 1, 2, 4), strict=True):
            assert least <= waited < least + 1, waits
        assert "flapping" in deployment.speakers["node1"].output()
        assert "flapping" not in deployment.speakers["node2"].output()
        deployment.write_slice("web", unready=["node1"])
        await deployment.routed(without(all_nodes, "node1", web), 2)
        deployment.write_slice("web")
        await asyncio.sleep(0.5)
        begun = deployment.write_slice("web", unready=["node2", "node3"])
        await deployment.routed({web: frozenset({"node1"})}, 2)
        assert time.monotonic() - begun < 1, "no hold-down while no other node serves"


async def test_nodes_without_ipv4_have_router_ids_of_their_own_and_the_kernels_source_address() -> None:
    topology = rack(Settings(ipv6=True))
    async with fabric(topology, services=("web",)) as deployment:

        def only_ipv6(each: Manifest) -> Manifest | None:
            if each["kind"] == Kind.NODE:
                addresses = [a for a in each["status"]["addresses"] if ":" in a["address"]]
                return {**each, "status": {"addresses": addresses}}
            is_ipv4_peer = each["kind"] == Kind.BGP_PEER and not each["metadata"]["name"].endswith("-v6")
            return None if is_ipv4_peer else peers_with(families=["IPv4", "IPv6"])(each)

        write_network(deployment, only_ipv6)
        nodes = [f"fd00:1:{number}::1" for number in (1, 2, 3)]

        async def over_ipv6() -> bool:
            shown = await paths(tor(deployment), host_prefix(vip(deployment, "web")))
            return {path["peer"]["peerId"] for path in shown} == set(nodes)

        await until(over_ipv6, 20)
        await deployment.routed(everywhere(deployment), 10)
        neighbors = json.loads(await tor(deployment).vtysh("show bgp neighbors json"))
        router_ids = {neighbors[node]["remoteRouterId"] for node in nodes}
        assert len(router_ids) == 3
        assert not any(router_id.startswith("10.0.255.") for router_id in router_ids)


async def test_a_session_goes_from_the_address_and_with_the_router_id_that_its_peer_names() -> None:
    async with fabric(rack(Settings(nodes=1)), services=("web",)) as deployment:
        loopback, router, port = "10.0.255.1", tor(deployment), deployment.lab.topology.cable("node1", "tor1").lower
        await run("ip", "-n", deployment.lab.namespace("tor1"), "route", "add", loopback, "via", str(port.address(4)))
        peer_lines = (f"neighbor {loopback} peer-group NODES", f"neighbor {loopback} ebgp-multihop 2")
        await router.vtysh("configure terminal", f"router bgp {router.plan.asn}", *peer_lines)
        own = {"sourceAddress": loopback, "routerID": "192.0.2.77", "multihop": {"ttl": 2}}
        write_network(deployment, lambda each: peers_with(**own)(each) if each["metadata"]["name"] == "node1-tor1" else each)

        async def is_so() -> bool:
            neighbors = json.loads(await router.vtysh(f"show bgp neighbors {loopback} json"))
            found = neighbors[loopback]
            return (found["bgpState"], found["remoteRouterId"]) == ("Established", "192.0.2.77")

        await until(is_so, 20)
        shown = await paths(router, host_prefix(vip(deployment, "web")))
        assert [path["peer"]["peerId"] for path in shown] == [loopback]
