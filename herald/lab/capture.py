"""Captures the UPDATEs on a cable, time-stamped by the kernel when the packet passed.

Listens on the wire at one machine's end, so it sees what the machine sends even if the wire then drops it, and what
reaches it. Kernel time stamps are wall clock; each is turned into time.monotonic() as soon as the packet is read.
"""

import errno
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bgp_config.names import IPAddress
from herald.lab.namespace import inside
from herald.lab.recorder import Recorder
from herald.lab.updates import Streams, Update

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
RECEIVE_BUFFER = 16 * 2**20
PACKET = 2**17
TIMESPEC = struct.Struct("=qq")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedUpdate:
    at: float
    sender: IPAddress
    receiver: IPAddress
    update: Update


def capture_updates(namespace: str, device: str) -> Recorder[CapturedUpdate]:
    """Every UPDATE that passes the device from now on. The caller closes it."""
    streams = Streams()

    def read(packets: socket.socket) -> Iterable[CapturedUpdate]:
        try:
            packet, ancillary, _flags, _address = packets.recvmsg(PACKET, 64)
        except OSError as error:
            if error.errno == errno.ENETDOWN:  # said once when the cable is pulled; it goes on when it is plugged in
                return
            raise
        at = _monotonic(ancillary)
        for sender, receiver, update in streams.feed(packet):
            yield CapturedUpdate(at=at, sender=sender, receiver=receiver, update=update)

    return Recorder(inside(namespace, lambda: _packets(device)), read)


def _packets(device: str) -> socket.socket:
    # Bound to the device from the start: protocol 0 means that nothing is received before bind.
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    packets.bind((device, ETH_P_ALL))
    return packets


def _monotonic(ancillary: list[tuple[int, int, bytes]]) -> float:
    now, wall = time.monotonic(), time.time()
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = map(int, TIMESPEC.unpack(value[: TIMESPEC.size]))
            return now - (wall - seconds - nanoseconds / 1e9)
    return now
