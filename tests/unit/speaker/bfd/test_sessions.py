"""Whose a packet is, and that nothing else than its own peer moves a session."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bfd.packet import Discard, Packet, State, decode, encode
from speaker.bfd.profile import Profile
from speaker.bfd.sessions import Datagram, Sessions
from speaker.bfd.status import Hop, Status

HOP = Hop(local=ip_address("10.1.1.1"), peer=ip_address("10.1.1.0"))
OTHER = Hop(local=ip_address("10.2.1.1"), peer=ip_address("10.2.1.0"))
LINK_LOCAL = Hop(local=ip_address("fe80::1"), peer=ip_address("fe80::2"), interface="eth0")
FAST = Profile(interval_ms=100)
DOWN = Packet(
    state=State.DOWN,
    detect_mult=3,
    my_discriminator=7,
    your_discriminator=0,
    desired_min_tx_us=1_000_000,
    required_min_rx_us=100_000,
)


@dataclass
class Wire:
    """A transmitter that keeps what is sent."""

    hop: Hop
    packets: list[Packet] = field(default_factory=list)
    closed: bool = False

    def send(self, payload: bytes) -> None:
        assert not self.closed
        packet = decode(payload)
        assert isinstance(packet, Packet)
        self.packets.append(packet)

    def close(self) -> None:
        self.closed = True


class Node:
    """Sessions with their wires and what they reported."""

    def __init__(self) -> None:
        self.wires: dict[Hop, Wire] = {}
        self.changes: list[Status] = []
        random = Random(1)  # noqa: S311 -- the same in every run
        self.sessions = Sessions(random=random, transmitter=self._open, changed=self.changes.append)

    def _open(self, hop: Hop) -> Wire:
        self.wires[hop] = Wire(hop)
        return self.wires[hop]

    def hear(self, packet: Packet, hop: Hop = HOP, *, now: float = 0.0, ttl: int = 255) -> Discard | None:
        return self.sessions.receive(datagram(encode(packet), hop, ttl=ttl), now)

    def bring_up(self, hop: Hop = HOP) -> Packet:
        """Returns the peer's packet that keeps it up."""
        self.sessions.want({hop: FAST}, 0.0)
        self.sessions.advance(0.0)
        discr = self.wires[hop].packets[0].my_discriminator
        up = replace(DOWN, state=State.UP, your_discriminator=discr, desired_min_tx_us=100_000)
        for packet in (DOWN, replace(up, state=State.INIT), replace(up, final=True)):
            assert self.hear(packet, hop) is None
        assert self.state(hop) is State.UP
        return up

    def state(self, hop: Hop = HOP) -> State:
        return next(status.state for status in self.sessions.statuses() if status.hop == hop)


def datagram(payload: bytes, hop: Hop = HOP, *, ttl: int = 255) -> Datagram:
    return Datagram(source=hop.peer, destination=hop.local, interface=hop.interface or "tor1", ttl=ttl, payload=payload)


def test_discriminators_are_random_and_never_zero_nor_the_same() -> None:
    node = Node()
    hops = {Hop(local=HOP.local, peer=ip_address(f"10.9.0.{n}")): FAST for n in range(200)}
    node.sessions.want(hops, 0.0)
    node.sessions.advance(0.0)
    discriminators = {wire.packets[0].my_discriminator for wire in node.wires.values()}
    assert len(discriminators) == 200
    assert 0 not in discriminators
    assert max(discriminators) > 2**30


def test_a_packet_that_came_over_a_router_is_discarded() -> None:
    node = Node()
    up = node.bring_up()
    assert node.hear(replace(up, state=State.DOWN), ttl=254) is Discard.TTL
    assert node.state() is State.UP


def test_a_packet_with_a_wrong_discriminator_or_from_another_address_is_discarded() -> None:
    node = Node()
    up = node.bring_up()
    node.sessions.want({HOP: FAST, OTHER: FAST}, 0.0)
    signals_down = replace(up, state=State.DOWN)
    assert node.hear(replace(signals_down, your_discriminator=up.your_discriminator ^ 1)) is Discard.NO_SESSION
    assert node.hear(signals_down, OTHER) is Discard.ADDRESS
    assert node.hear(signals_down, replace(HOP, local=OTHER.local)) is Discard.ADDRESS
    assert node.hear(DOWN, replace(HOP, peer=OTHER.peer)) is Discard.NO_SESSION
    assert node.state() is State.UP


def test_a_link_local_session_is_that_of_its_interface() -> None:
    node = Node()
    up = node.bring_up(LINK_LOCAL)
    elsewhere = replace(LINK_LOCAL, interface="eth1")
    assert node.hear(up, elsewhere) is Discard.ADDRESS
    assert node.hear(DOWN, elsewhere) is Discard.NO_SESSION
    assert node.hear(up, LINK_LOCAL) is None


def test_a_peer_that_has_restarted_is_found_by_its_address_and_takes_the_session_down() -> None:
    node = Node()
    node.bring_up()
    assert node.hear(replace(DOWN, my_discriminator=99)) is None
    assert node.state() is State.DOWN


@given(st.lists(st.binary(max_size=40), max_size=5), st.binary(min_size=20, max_size=22))
def test_no_bytes_move_a_session_that_do_not_know_its_discriminator(payloads: list[bytes], tail: bytes) -> None:
    node = Node()
    up = node.bring_up()
    before, sent = node.sessions.statuses(), len(node.wires[HOP].packets)
    for payload in [*payloads, encode(up)[:2] + tail]:
        packet = decode(payload)
        knows = isinstance(packet, Packet) and packet.your_discriminator in {0, up.your_discriminator}
        if not knows:
            assert isinstance(node.sessions.receive(datagram(payload), 0.0), Discard)
    assert node.sessions.statuses() == before
    assert len(node.wires[HOP].packets) == sent


def test_a_session_that_is_wanted_on_is_not_disturbed() -> None:
    node = Node()
    node.bring_up()
    node.changes.clear()
    sent = len(node.wires[HOP].packets)
    node.sessions.want({HOP: FAST, OTHER: FAST}, 0.0)
    assert node.state() is State.UP
    assert node.changes == []
    assert len(node.wires[HOP].packets) == sent


def test_a_session_that_is_wanted_no_more_says_admin_down_for_a_detection_time_and_is_gone() -> None:
    node = Node()
    up = node.bring_up()
    node.changes.clear()
    node.sessions.want({}, 1.0)
    assert node.sessions.statuses() == []
    wire, now = node.wires[HOP], 1.0
    sent = len(wire.packets)
    while not wire.closed:
        node.sessions.advance(now)
        deadline = node.sessions.deadline
        if deadline is not None:
            node.hear(up, now=now)
            now = deadline
    assert now == pytest.approx(4.0)
    assert 3 <= len(wire.packets) - sent <= 5
    assert {packet.state for packet in wire.packets[sent:]} == {State.ADMIN_DOWN}
    assert node.changes == []


def test_a_session_that_is_wanted_again_in_time_goes_on_with_its_discriminator() -> None:
    node = Node()
    node.bring_up()
    wire = node.wires[HOP]
    discr = wire.packets[0].my_discriminator
    node.sessions.want({}, 1.0)
    node.sessions.want({HOP: FAST}, 1.5)
    node.sessions.advance(10.0)
    assert not wire.closed
    assert wire.packets[-1].my_discriminator == discr
    assert node.state() is State.DOWN


def test_a_session_whose_peer_never_spoke_is_gone_at_once() -> None:
    node = Node()
    node.sessions.want({HOP: FAST}, 0.0)
    node.sessions.want({}, 0.1)
    assert node.wires[HOP].closed
    assert node.sessions.deadline is None


def test_every_change_of_state_is_reported_once_with_its_time_and_reason() -> None:
    node = Node()
    node.bring_up()
    node.sessions.advance(0.5)
    assert [(s.state, s.diag, s.since) for s in node.changes] == [
        (State.INIT, 0, 0.0),
        (State.UP, 0, 0.0),
        (State.DOWN, 1, 0.5),
    ]
