"""A BGP speaker that announces a full table and then changes it without end: `python flood.py LOCAL PEER ASN PREFIXES RATE`.

A program of its own for tests, the least that a router takes for a peer. It prints `loaded` once the table is sent; from
then on RATE UPDATEs a second, each of one prefix with another MED.
"""

import itertools
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

OPEN, UPDATE, KEEPALIVE = 1, 2, 4
HEADER = 19
PREFIXES_PER_UPDATE = 5
"""About what routers send of the Internet's table: prefixes that share all attributes are few."""
HOLD_TIME_S = 180
FIRST_PREFIX = int(IPv4Address("20.0.0.0"))


def message(kind: int, body: bytes = b"") -> bytes:
    return b"\xff" * 16 + struct.pack("!HB", HEADER + len(body), kind) + body


def opening(local: str, asn: int) -> bytes:
    capabilities = bytes((1, 4, 0, 1, 0, 1)) + bytes((65, 4)) + asn.to_bytes(4)
    parameters = bytes((2, len(capabilities))) + capabilities
    return message(
        OPEN, struct.pack("!BHH4sB", 4, asn, HOLD_TIME_S, IPv4Address(local).packed, len(parameters)) + parameters
    )


def update(local: str, asn: int, med: int, numbers: range) -> bytes:
    """Announces the /24s of these numbers."""
    path = b"\x02\x02" + asn.to_bytes(4) + (65550 + med % 1000).to_bytes(4)
    attributes = bytes((0x40, 1, 1, 0)) + bytes((0x40, 2, len(path))) + path
    attributes += bytes((0x40, 3, 4)) + IPv4Address(local).packed + bytes((0x80, 4, 4)) + med.to_bytes(4)
    prefixes = b"".join(bytes((24,)) + (FIRST_PREFIX + (number << 8)).to_bytes(4)[:3] for number in numbers)
    return message(UPDATE, struct.pack("!HH", 0, len(attributes)) + attributes + prefixes)


def updates(local: str, asn: int, count: int) -> Iterator[bytes]:
    for first in range(0, count, PREFIXES_PER_UPDATE):
        yield update(local, asn, first % 5000, range(first, min(first + PREFIXES_PER_UPDATE, count)))


def main(local: str, peer: str, asn: int, count: int, rate: int) -> None:
    with socket.create_connection((peer, 179), source_address=(local, 0)) as io:
        io.sendall(opening(local, asn))
        io.recv(1 << 16)
        io.sendall(message(KEEPALIVE))
        for each in updates(local, asn, count):
            io.sendall(each)
        print("loaded", flush=True)  # noqa: T201
        begun = time.monotonic()
        for turn in itertools.count():
            number = turn % count
            io.sendall(update(local, asn, 5000 + turn // count, range(number, number + 1)))
            if turn % (10 * rate) == 0:
                io.sendall(message(KEEPALIVE))
            pause = begun + turn / rate - time.monotonic()
            if select.select([io], [], [], max(0, pause))[0] and not io.recv(1 << 20):
                return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
