"""BGP UPDATE messages found in captured packets: what was announced and withdrawn, by whom.

Pure: IP packets in, messages out. Reads IPv4 and IPv6 unicast (RFC 4271 section 4.3, RFC 4760). TCP is put together only
as far as a lab needs: what was sent again is not read twice, and after a gap reading goes on at the next message.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from bgp_config.names import Family, IPAddress, Prefix

BGP_PORT = 179
TCP = 6
MARKER = b"\xff" * 16
HEADER = 19
UPDATE = 2
MP_REACH_NLRI, MP_UNREACH_NLRI = 14, 15
EXTENDED_LENGTH = 0x10
SYN = 0x02


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One UPDATE. Nothing announced and nothing withdrawn: End-of-RIB (RFC 4724, section 2)."""

    announced: tuple[Prefix, ...] = ()
    withdrawn: tuple[Prefix, ...] = ()

    @property
    def is_end_of_rib(self) -> bool:
        return not self.announced and not self.withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The TCP part of a packet to or from port 179. `opens`: it is its sender's first on this connection."""

    flow: tuple[IPAddress, int, IPAddress, int]
    sequence: int
    opens: bool
    payload: bytes


@dataclass(slots=True)
class _Stream:
    next_sequence: int
    buffer: bytes = b""


@dataclass(slots=True)
class Streams:
    """All TCP connections of a link, one for each direction."""

    _streams: dict[tuple[IPAddress, int, IPAddress, int], _Stream] = field(default_factory=dict)

    def feed(self, packet: bytes) -> Iterator[tuple[IPAddress, IPAddress, Update]]:
        """Sender, receiver and message of each UPDATE that this packet completes."""
        segment = read_segment(packet)
        if segment is None:
            return
        for kind, body in self._messages(segment):
            if kind == UPDATE:
                yield segment.flow[0], segment.flow[2], read_update(body)

    def _messages(self, segment: Segment) -> Iterator[tuple[int, bytes]]:
        if segment.opens or segment.flow not in self._streams:
            self._streams[segment.flow] = _Stream(segment.sequence)
        stream = self._streams[segment.flow]
        already_read = (stream.next_sequence - segment.sequence) % 2**32
        if already_read >= 2**31:  # less than nothing: something before this segment was lost
            stream.buffer, already_read = b"", 0
        fresh = segment.payload[already_read:]
        if fresh:
            stream.buffer += fresh
            stream.next_sequence = (segment.sequence + len(segment.payload)) % 2**32
        while (start := stream.buffer.find(MARKER)) >= 0 and len(stream.buffer) >= start + HEADER:
            length, kind = struct.unpack_from("!HB", stream.buffer, start + len(MARKER))
            if len(stream.buffer) < start + length:
                return
            yield kind, stream.buffer[start + HEADER : start + length]
            stream.buffer = stream.buffer[start + max(length, HEADER) :]


def read_segment(packet: bytes) -> Segment | None:
    """From an IP packet; None if it is not BGP's."""
    source: IPAddress
    destination: IPAddress
    if packet[0] >> 4 == Family.IPV4 and packet[9] == TCP:
        header, total = (packet[0] & 0xF) * 4, struct.unpack_from("!H", packet, 2)[0]
        source, destination = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    elif packet[0] >> 4 == Family.IPV6 and packet[6] == TCP:
        header, total = 40, struct.unpack_from("!H", packet, 4)[0] + 40
        source, destination = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    else:
        return None
    source_port, destination_port, sequence, _ack, offset, flags = struct.unpack_from("!HHIIBB", packet, header)
    if BGP_PORT not in {source_port, destination_port}:
        return None
    return Segment(
        flow=(source, source_port, destination, destination_port),
        sequence=(sequence + 1) % 2**32 if flags & SYN else sequence,
        opens=bool(flags & SYN),
        payload=packet[header + (offset >> 4) * 4 : total],
    )


def read_update(body: bytes) -> Update:
    """The message without its header."""
    length = struct.unpack_from("!H", body)[0]
    withdrawn = [*_prefixes(body[2 : 2 + length], Family.IPV4)]
    attributes_length = struct.unpack_from("!H", body, 2 + length)[0]
    end = 4 + length + attributes_length
    announced = [*_prefixes(body[end:], Family.IPV4)]
    for kind, value in _attributes(body[4 + length : end]):
        if kind == MP_REACH_NLRI:
            announced += _prefixes(value[5 + value[3] :], Family.IPV6)
        elif kind == MP_UNREACH_NLRI:
            withdrawn += _prefixes(value[3:], Family.IPV6)
    return Update(announced=tuple(announced), withdrawn=tuple(withdrawn))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(data):
        flags, kind = data[offset], data[offset + 1]
        extended = bool(flags & EXTENDED_LENGTH)
        length = struct.unpack_from("!H" if extended else "!B", data, offset + 2)[0]
        begin = offset + (4 if extended else 3)
        yield kind, data[begin : begin + length]
        offset = begin + length


def _prefixes(data: bytes, family: Family) -> Iterator[Prefix]:
    offset = 0
    while offset < len(data):
        length = data[offset]
        size = (length + 7) // 8
        address = data[offset + 1 : offset + 1 + size]
        if family is Family.IPV4:
            yield IPv4Network((address.ljust(4, b"\0"), length))
        else:
            yield IPv6Network((address.ljust(16, b"\0"), length))
        offset += 1 + size
