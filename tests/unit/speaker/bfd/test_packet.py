"""What BFD packets say, bit by bit, and that no bytes at all do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bfd.packet import Diag, Discard, Packet, State, decode, encode

PACKET = Packet(
    state=State.UP,
    diag=Diag.NEIGHBOR_SIGNALED_DOWN,
    poll=True,
    control_plane_independent=True,
    detect_mult=3,
    my_discriminator=0x11223344,
    your_discriminator=0x55667788,
    desired_min_tx_us=100_000,
    required_min_rx_us=300_000,
    required_min_echo_rx_us=50_000,
)
BYTES = bytes.fromhex("23 e8 03 18 11223344 55667788 000186a0 000493e0 0000c350".replace(" ", ""))

U32 = st.integers(0, 2**32 - 1)
packets = st.builds(
    Packet,
    state=st.sampled_from([State.INIT, State.UP]),
    diag=st.integers(0, 31),
    poll=st.booleans(),
    final=st.booleans(),
    control_plane_independent=st.booleans(),
    demand=st.booleans(),
    detect_mult=st.integers(1, 255),
    my_discriminator=st.integers(1, 2**32 - 1),
    your_discriminator=st.integers(1, 2**32 - 1),
    desired_min_tx_us=U32,
    required_min_rx_us=U32,
    required_min_echo_rx_us=U32,
)


def changed(**bytes_at: int) -> bytes:
    found = bytearray(BYTES)
    for name, value in bytes_at.items():
        found[int(name.removeprefix("b"))] = value
    return bytes(found)


def test_a_packet_has_the_bits_of_section_4_1() -> None:
    assert encode(PACKET) == BYTES
    assert decode(BYTES) == PACKET


@given(packets)
def test_every_packet_survives_the_wire(packet: Packet) -> None:
    assert decode(encode(packet)) == packet


@given(st.binary(max_size=64))
def test_any_bytes_are_a_packet_or_a_discard(datagram: bytes) -> None:
    assert isinstance(decode(datagram), Packet | Discard)


@given(st.binary(min_size=22, max_size=40))
def test_what_begins_like_a_packet_is_a_packet_or_a_discard(rest: bytes) -> None:
    decoded = decode(b"\x20\xc0" + rest)
    assert isinstance(decoded, Discard) or encode(decoded)[4:24] == rest[2:22]


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", Discard.TOO_SHORT),
        (BYTES[:23], Discard.TOO_SHORT),
        (changed(b0=0x43), Discard.VERSION),
        (changed(b3=23), Discard.LENGTH),
        (changed(b3=25), Discard.LENGTH),
        (changed(b1=0xEC), Discard.LENGTH),
        (changed(b1=0xEC, b3=26) + b"\1\2", Discard.AUTHENTICATION),
        (changed(b2=0), Discard.DETECT_MULT),
        (changed(b1=0xE9), Discard.MULTIPOINT),
        (changed(b4=0, b5=0, b6=0, b7=0), Discard.MY_DISCRIMINATOR),
        (changed(b8=0, b9=0, b10=0, b11=0), Discard.YOUR_DISCRIMINATOR),
    ],
)
def test_what_section_6_8_6_discards_is_discarded(datagram: bytes, why: Discard) -> None:
    assert decode(datagram) is why


def test_a_packet_without_your_discriminator_is_taken_while_the_peer_is_down() -> None:
    decoded = decode(changed(b1=0x48, b8=0, b9=0, b10=0, b11=0))
    assert isinstance(decoded, Packet)
    assert decoded.state is State.DOWN


def test_bytes_behind_the_packet_are_not_looked_at() -> None:
    assert decode(BYTES + b"trailer") == PACKET
