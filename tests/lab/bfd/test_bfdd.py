"""Herald's BFD against FRR's bfdd, over real links."""

import socket
import time
from dataclasses import replace
from functools import partial

import pytest

from herald.lab.namespace import inside
from herald.lab.topology import Bfd, Settings
from herald.lab.waiting import until
from speaker.bfd.packet import Diag, Packet, State, encode
from speaker.bfd.profile import Profile
from tests.lab.bfd.node import FAST, BfdNode, bfd_node, mute, unmute

pytestmark = pytest.mark.lab

BOTH_FAMILIES = Settings(nodes=1, ipv6=True, bfd=Bfd(interval_ms=100))
DETECTION_S = 0.3


async def test_ipv4_and_ipv6_sessions_come_up_with_the_timers_of_both_profiles() -> None:
    async with bfd_node(BOTH_FAMILIES) as node:
        v4, v6 = node.hop(), node.hop(version=6)
        node.client.want({v4: Profile(interval_ms=150, multiplier=4), v6: FAST})
        await node.up(v4, v6)
        peer = await node.peer(v4)
        assert (peer.remote_transmit_ms, peer.remote_receive_ms, peer.remote_multiplier) == (150, 150, 4)
        assert peer.remote_discriminator > 0


async def test_a_passive_session_comes_up_when_the_peer_speaks() -> None:
    async with bfd_node() as node:
        node.client.want({node.hop(): replace(FAST, passive=True)})
        await node.up(node.hop())


async def test_timers_are_negotiated_anew_while_the_session_stays_up() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        for profile in (Profile(interval_ms=400, multiplier=5), Profile(interval_ms=50), FAST):
            node.client.want({hop: profile})
            await until(partial(_peer_knows, node, profile), 5)
        for interval_ms in (500, 50, 100):
            await node.lab.routers["tor1"].vtysh(
                "configure", "bfd", "profile NODES", f"transmit-interval {interval_ms}", f"receive-interval {interval_ms}"
            )
            before = time.monotonic()
            await until(partial(_outlives, before, 0.7), 5)
            assert (await node.peer(hop)).up
        assert {status.state for status in node.heard[heard:]} <= {State.UP}


async def test_a_silent_node_is_found_by_both_ends_in_the_detection_time_and_comes_back() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        heard, silent = len(node.heard), time.monotonic()
        await node.lab.silence("node1")
        await until(partial(_peer_is, node, up=False), DETECTION_S + 0.4, every_s=0.005)
        down = await node.hears(lambda status: status.state is State.DOWN, after=heard)
        assert down.diag == Diag.DETECTION_TIME_EXPIRED
        assert DETECTION_S - 0.11 < down.since - silent < DETECTION_S + 0.1
        assert down.peer_detection_time_s == DETECTION_S
        await node.lab.unsilence("node1")
        await node.up(hop)


async def test_loss_towards_the_node_takes_the_session_down_at_both_ends() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        await mute(node.lab, "tor1", "node1")
        down = await node.hears(lambda status: status.state is State.DOWN, 1, after=heard)
        assert down.diag == Diag.DETECTION_TIME_EXPIRED
        await until(partial(_peer_is, node, up=False), 1)
        await unmute(node.lab, "tor1", "node1")
        await node.up(hop)


async def test_loss_towards_the_tor_takes_the_session_down_at_both_ends_as_long_as_it_lasts() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        await mute(node.lab, "node1", "tor1")
        down = await node.hears(lambda status: status.state is State.DOWN, 1, after=heard)
        assert down.diag == Diag.NEIGHBOR_SIGNALED_DOWN
        with pytest.raises(TimeoutError):
            await node.hears(lambda status: status.state is State.UP, 1.5, after=heard)
        await unmute(node.lab, "node1", "tor1")
        await node.up(hop)


async def test_a_peer_that_crashed_and_started_again_is_up_again_with_its_new_discriminator() -> None:
    async with bfd_node() as node:
        hop, tor = node.hop(), node.lab.routers["tor1"]
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        await tor.kill_bfdd()
        await node.hears(lambda status: status.state is State.DOWN, 1, after=heard)
        await tor.start_bfdd()
        await node.up(hop, timeout_s=20)


async def test_admin_down_is_told_to_the_peer_and_heard_from_it() -> None:
    async with bfd_node() as node:
        hop, tor = node.hop(), node.lab.routers["tor1"]
        node.client.want({hop: FAST})
        await node.up(hop)
        node.client.want({})
        await until(partial(_peer_says, node, "administratively down"), 2)
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        await tor.vtysh("configure", "bfd", "profile NODES", "shutdown")
        down = await node.hears(lambda status: status.state is State.DOWN, 2, after=heard)
        assert (down.remote_state, down.diag) == (State.ADMIN_DOWN, Diag.NEIGHBOR_SIGNALED_DOWN)
        await tor.vtysh("configure", "bfd", "profile NODES", "no shutdown")
        await node.up(hop)
        assert node.client.statuses[hop].diag == Diag.NONE


async def test_forged_packets_do_not_move_a_session() -> None:
    """From the ToR itself, as the nearest that an attacker can be: wrong discriminator, wrong TTL, no packet at all."""
    async with bfd_node(BOTH_FAMILIES) as node:
        for hop in (node.hop(), node.hop(version=6)):
            node.client.want({hop: FAST})
            await node.up(hop)
            heard, ours = len(node.heard), (await node.peer(hop)).remote_discriminator
            down = Packet(
                state=State.DOWN,
                detect_mult=1,
                my_discriminator=1,
                your_discriminator=ours,
                desired_min_tx_us=10_000,
                required_min_rx_us=10_000,
            )
            for payload, ttl in (
                (encode(replace(down, your_discriminator=ours ^ 1)), 255),
                (encode(down), 254),
                (encode(replace(down, your_discriminator=0)), 254),
                (encode(down)[:20], 255),
                (bytes(512), 255),
                (b"", 255),
            ):
                inside(node.lab.namespace("tor1"), partial(_send, str(hop.peer), str(hop.local), payload, ttl))
            before = time.monotonic()
            await until(partial(_outlives, before, 0.5), 5)
            assert {status.state for status in node.heard[heard:]} <= {State.UP}
            inside(node.lab.namespace("tor1"), partial(_send, str(hop.peer), str(hop.local), encode(down), 255))
            await node.hears(lambda status: status.state is State.DOWN, 2, after=heard)


def _send(source: str, destination: str, payload: bytes, ttl: int) -> None:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        if family == socket.AF_INET:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        sender.bind((source, 0))
        sender.sendto(payload, (destination, 3784))


async def _peer_knows(node: BfdNode, profile: Profile) -> bool:
    peer = await node.peer(node.hop())
    wanted = (profile.interval_ms, profile.interval_ms, profile.multiplier)
    return peer.up and (peer.remote_transmit_ms, peer.remote_receive_ms, peer.remote_multiplier) == wanted


async def _peer_is(node: BfdNode, *, up: bool) -> bool:
    return (await node.peer(node.hop())).up is up


async def _peer_says(node: BfdNode, diagnostic: str) -> bool:
    return (await node.peer(node.hop())).remote_diagnostic == diagnostic


def _outlives(since: float, span_s: float) -> bool:
    """Some detection times have passed, so that what was to go down would have."""
    return time.monotonic() - since > span_s
