"""UPDATEs are found in packets as they come: split, joined, sent again, over IPv4 and IPv6."""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.names import IPAddress, Prefix
from herald.lab.updates import MARKER, SYN, Streams, Update, read_segment, read_update

NODE, TOR = IPv4Address("10.1.1.1"), IPv4Address("10.1.1.0")
VIP, OTHER, VIP6 = ip_network("198.51.100.7/32"), ip_network("198.51.100.0/25"), ip_network("2001:db8:100::7/128")


def nlri(*prefixes: Prefix) -> bytes:
    return b"".join(bytes([p.prefixlen]) + p.network_address.packed[: (p.prefixlen + 7) // 8] for p in prefixes)


def body(withdrawn: bytes = b"", attributes: bytes = b"", announced: bytes = b"") -> bytes:
    return struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + announced


def bgp(kind: int, content: bytes) -> bytes:
    return MARKER + struct.pack("!HB", 19 + len(content), kind) + content


def packet(
    payload: bytes, sequence: int, *, port: int = 179, flags: int = 0x18, sender: IPAddress = NODE, to: IPAddress = TOR
) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", 40000, port, sequence % 2**32, 0, 5 << 4, flags, 0, 0, 0) + payload
    if isinstance(sender, IPv4Address):
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + sender.packed + to.packed + tcp
    return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + sender.packed + to.packed + tcp


ANNOUNCE = bgp(2, body(attributes=b"\x40\x01\x01\x00", announced=nlri(VIP, OTHER)))
WITHDRAW = bgp(2, body(withdrawn=nlri(VIP)))
KEEPALIVE = bgp(4, b"")


def read(*packets: bytes) -> list[Update]:
    streams = Streams()
    return [update for one in packets for _, _, update in streams.feed(one)]


def test_announced_and_withdrawn_ipv4_prefixes() -> None:
    assert read(packet(ANNOUNCE + WITHDRAW, 1)) == [Update(announced=(VIP, OTHER)), Update(withdrawn=(VIP,))]


def test_ipv6_prefixes_are_in_the_multiprotocol_attributes() -> None:
    next_hop = IPv6Address("fd00:1:1::1").packed
    reach = struct.pack("!HBB", 2, 1, len(next_hop)) + next_hop + b"\0" + nlri(VIP6)
    announced = read_update(body(attributes=b"\x90\x0e" + struct.pack("!H", len(reach)) + reach))
    assert announced == Update(announced=(VIP6,))
    unreach = struct.pack("!HB", 2, 1) + nlri(VIP6)
    assert read_update(body(attributes=b"\x80\x0f" + bytes([len(unreach)]) + unreach)) == Update(withdrawn=(VIP6,))


def test_end_of_rib_announces_and_withdraws_nothing() -> None:
    assert read_update(body()).is_end_of_rib
    assert read_update(body(attributes=b"\x80\x0f\x03\x00\x02\x01")).is_end_of_rib
    assert not read_update(body(withdrawn=nlri(VIP))).is_end_of_rib


def test_sender_and_receiver_are_the_ends_of_the_session_in_either_family() -> None:
    for sender, to in ((NODE, TOR), (ip_address("fd00:1:1::1"), ip_address("fd00:1:1::"))):
        assert [(a, b) for a, b, _ in Streams().feed(packet(WITHDRAW, 1, sender=sender, to=to))] == [(sender, to)]


@given(
    cuts=st.lists(st.integers(0, len(KEEPALIVE + ANNOUNCE + WITHDRAW)), max_size=6), first=st.sampled_from([1, 2**32 - 40])
)
def test_messages_split_over_packets_anywhere_and_sent_again_are_read_once(cuts: list[int], first: int) -> None:
    stream = KEEPALIVE + ANNOUNCE + WITHDRAW
    edges = sorted({0, len(stream), *cuts})
    packets = [packet(stream[a:b], first + a) for a, b in pairwise(edges)]
    twice = [one for pair in zip(packets, packets, strict=True) for one in pair]
    assert read(*twice) == [Update(announced=(VIP, OTHER)), Update(withdrawn=(VIP,))]


def test_after_a_gap_reading_goes_on_at_the_next_message() -> None:
    half = len(ANNOUNCE) // 2
    lost = packet(ANNOUNCE[:half], 1)
    assert read(lost, packet(ANNOUNCE[half + 4 :] + WITHDRAW, 1 + half + 4))[-1] == Update(withdrawn=(VIP,))


def test_a_new_connection_on_the_same_ports_is_read_from_its_start() -> None:
    again = [packet(b"", 5_000_000, flags=SYN), packet(WITHDRAW, 5_000_001)]
    assert read(packet(ANNOUNCE, 1), *again) == [Update(announced=(VIP, OTHER)), Update(withdrawn=(VIP,))]


def test_what_is_not_bgp_is_passed_over() -> None:
    assert read_segment(packet(ANNOUNCE, 1, port=80)) is None
    assert read_segment(bytes([0x45]) + bytes(8) + bytes([17]) + bytes(30)) is None
    assert read(packet(b"", 1), packet(KEEPALIVE, 1)) == []
