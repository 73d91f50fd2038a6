"""The engine against real FRR: what it says arrives, as it was said, and goes again."""

import json
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from bgp_config.communities import GRACEFUL_SHUTDOWN, LargeCommunity, StandardCommunity
from herald.lab.topology import Peering, Settings, rack
from speaker.session import InSync, Programmed
from tests.lab.node_engine import NODE, NodeEngine, on_node, until, vip

pytestmark = pytest.mark.lab


def test_routes_are_there_when_the_session_is_in_sync_and_follow_every_change(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1, 2))
        node.engine.apply(spec, {vip(3): node.attributes(spec), vip(2): None})
        await node.in_sync(spec)
        await node.tor_has("tor1", 1, 3)
        node.engine.apply(spec, {vip(1): None, vip(4): node.attributes(spec)})
        await node.programmed(spec, vip(1), None)
        await node.tor_has("tor1", 3, 4)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_attributes_arrive_as_they_were_given(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        communities = (StandardCommunity(64512, 7), GRACEFUL_SHUTDOWN)
        attributes = node.attributes(
            spec,
            as_path=(spec.local_asn,) * 7,
            communities=communities,
            large_communities=(LargeCommunity(64512, 1, 4_294_967_295), LargeCommunity(64512, 0, 0)),
        )
        node.engine.open(spec, {vip(number): attributes for number in range(1, 101)})
        await node.in_sync(spec)
        await node.tor_has("tor1", *range(1, 101))
        (path,) = await node.tor("tor1").paths(vip(50))
        assert path.as_path == attributes.as_path
        assert path.communities == frozenset(communities)
        assert path.large_communities == frozenset(attributes.large_communities)
        assert path.next_hops[0] == spec.local_address

        plain = node.attributes(spec)
        node.engine.apply(spec, {vip(50): plain})
        await node.programmed(spec, vip(50), plain)
        (path,) = await node.tor("tor1").paths(vip(50))
        assert path.as_path == (spec.local_asn,)
        assert not path.communities

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_ibgp_carries_local_pref_and_an_empty_path(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, {vip(1): node.attributes(spec, local_pref=77)})
        await node.in_sync(spec)
        await node.tor_has("tor1", 1)
        (path,) = await node.tor("tor1").paths(vip(1))
        assert path.local_pref == 77
        assert path.as_path == ()

    on_node(rack(Settings(nodes=1, peering=Peering.IBGP)), tmp_path, body)


def test_ipv6_sessions_carry_ipv6_routes_beside_ipv4_sessions(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec(version=6)
        prefixes = [ip_network(f"2001:db8:100::{number:x}/128") for number in range(1, 120)]
        node.engine.open(spec, {prefix: node.attributes(spec) for prefix in prefixes})
        await node.in_sync(spec)

        async def count(wanted: int) -> bool:
            return len(await node.rib("tor1", 6)) == wanted

        await until(lambda: count(119))
        node.engine.apply(spec, dict.fromkeys(prefixes[1:]))
        await until(lambda: count(1))

    on_node(rack(Settings(nodes=1, ipv6=True)), tmp_path, body)


def test_a_session_without_routes_gets_its_end_of_rib(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec("tor2", graceful_restart_s=30)
        node.engine.open(spec, {})
        await node.in_sync(spec)
        shown = json.loads(await node.tor("tor2").vtysh("show bgp neighbors json"))
        assert shown[str(spec.local_address)]["gracefulRestartInfo"]["endOfRibRecv"] == {"ipv4Unicast": True}

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_the_last_word_holds_while_many_updates_drain(tmp_path: Path) -> None:
    """ExaBGP alone loses the announcement here: its withdrawal overtakes it while ungrouped UPDATEs drain."""

    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        plain = node.attributes(spec)
        node.engine.open(spec, {vip(1): plain})
        await node.in_sync(spec)
        others = [ip_network(f"198.18.{number >> 8}.{number & 255}/32") for number in range(1500)]
        for turn in range(10):
            load = {
                prefix: node.attributes(spec, communities=(StandardCommunity(turn, number),))
                for number, prefix in enumerate(others)
            }
            node.engine.apply(spec, load)
            node.engine.apply(spec, {vip(1): None})
            await node.programmed(spec, vip(1), None)
            node.engine.apply(spec, {vip(1): node.attributes(spec, communities=(StandardCommunity(9, turn),))})
            node.engine.apply(spec, {vip(1): None})
            node.engine.apply(spec, {vip(1): plain})
            await node.programmed(spec, vip(1), plain)
            (path,) = await node.tor("tor1").paths(vip(1))
            assert not path.communities, f"turn {turn}"

    settings = Settings(nodes=1, pools=(ip_network("198.51.100.0/24"), ip_network("198.18.0.0/16")))
    on_node(rack(settings), tmp_path, body)


def test_closing_withdraws_first_and_another_session_can_follow_at_once(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec("tor2", graceful_restart_s=30)
        node.engine.open(spec, node.routes(spec, 1, 2, 3))
        await node.in_sync(spec)
        await node.tor_has("tor2", 1, 2, 3)
        node.engine.close(spec)
        other = node.spec("tor2", hold_time_s=30)
        node.engine.open(other, node.routes(other, 7))
        await node.in_sync(other)
        withdrawn = {event.prefix for event in node.of(Programmed, spec) if event.attributes is None}
        assert withdrawn == {vip(1), vip(2), vip(3)}
        # A graceful restart keeps what was not withdrawn as stale.
        assert await node.tor_has("tor2", 7) < 1

    on_node(rack(Settings(nodes=1)), tmp_path, body)


@pytest.mark.timing
def test_one_change_is_on_the_wire_in_milliseconds_and_ten_thousand_in_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        prefixes = [ip_network(f"198.18.{number >> 8}.{number & 255}/32") for number in range(10_000)]
        begun = time.monotonic()
        node.engine.open(spec, {prefix: node.attributes(spec) for prefix in prefixes})
        await node.in_sync(spec, within_s=30)
        loaded_s = node.of(InSync, spec)[0].at - begun
        latencies = []
        for number in range(200):
            attributes = node.attributes(spec) if number % 2 else None
            asked = time.monotonic()
            node.engine.apply(spec, {prefixes[number // 2]: attributes})
            count = len(node.events)
            await until(lambda count=count: len(node.events) > count)  # type: ignore[misc]
            latencies.append(node.events[-1].at - asked)
        latencies.sort()
        with capsys.disabled():
            p50, p99 = latencies[100] * 1000, latencies[198] * 1000
            print(f"\nengine: 10,000 routes {loaded_s:.2f} s; one change p50 {p50:.2f} ms, p99 {p99:.2f} ms")  # noqa: T201
        assert latencies[100] < 0.01
        assert loaded_s < 8

    assert NODE == "node1"
    on_node(rack(Settings(nodes=1, pools=(ip_network("198.18.0.0/16"),))), tmp_path, body)
