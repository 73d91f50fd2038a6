"""BFD's packets on the wire: UDP port 3784, TTL 255, DSCP CS6 (RFC 5881, sections 4 and 5). IPv4 and IPv6.

Nothing here waits: what cannot be sent is lost, as it would be on the wire, and that is said once.
"""

import errno
import logging
import socket
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from random import Random
from struct import Struct

from bgp_config.names import Family
from herald.program.logs import fields
from speaker.bfd.sessions import TTL, Datagram
from speaker.bfd.status import Hop

log = logging.getLogger(__name__)

PORT = 3784
SOURCE_PORTS = range(49152, 65536)
CS6 = 48 << 2
INTERACTIVE = 6
"""SO_PRIORITY: the first band of the device's queue."""
SIZE = 512
IP_PKTINFO, IP_RECVTTL = 8, 12
AF = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
RECEIVE_OPTIONS = {
    Family.IPV4: ((socket.IPPROTO_IP, IP_PKTINFO), (socket.IPPROTO_IP, IP_RECVTTL)),
    Family.IPV6: (
        (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
        (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
        (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT),
    ),
}
_INT = Struct("=i")
_PKTINFO = Struct("=i4s4s")
_PKTINFO6 = Struct("=16si")
_ANCILLARY = socket.CMSG_SPACE(_PKTINFO6.size) + socket.CMSG_SPACE(_INT.size)
_address = lru_cache(maxsize=1024)(ip_address)


class Receiver:
    """All that comes to BFD's port in one family. OSError if another program of this network namespace has the port."""

    def __init__(self, family: Family) -> None:
        self.socket = socket.socket(AF[family], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            for level, option in RECEIVE_OPTIONS[family]:
                self.socket.setsockopt(level, option, 1)
            self.socket.bind(("", PORT))
        except OSError:
            self.socket.close()
            raise

    def drain(self, most: int) -> Iterator[Datagram]:
        """What has arrived, at most so many: a flood must not keep the timers from their work."""
        for _ in range(most):
            try:
                payload, ancillary, _, sender = self.socket.recvmsg(SIZE, _ANCILLARY)
            except OSError:
                return  # nothing more, or an error that the kernel has reported with this and forgotten
            yield _datagram(payload, ancillary, sender[0])

    def close(self) -> None:
        self.socket.close()


def _datagram(payload: bytes, ancillary: list[tuple[int, int, bytes]], sender: str) -> Datagram:
    destination, index, ttl = bytes(4), 0, 0
    for level, kind, value in ancillary:
        match level, kind:
            case (socket.IPPROTO_IP, socket.IP_TTL) | (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
                (ttl,) = _INT.unpack(value)
            case socket.IPPROTO_IP, _:
                index, _, destination = _PKTINFO.unpack(value)
            case socket.IPPROTO_IPV6, _:
                destination, index = _PKTINFO6.unpack(value)
    source, _, _ = sender.partition("%")
    return Datagram(
        source=_address(source), destination=_address(destination), interface=_device(index), ttl=ttl, payload=payload
    )


def _device(index: int) -> str:
    """Asked each time: a device that is made anew may get another's index."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


class UdpTransmitter:
    """Sends one session's packets, all from one port. Its address may be missing for a while, as when a link is down."""

    def __init__(self, hop: Hop, random: Random) -> None:
        self._hop = hop
        self._random = random
        self._socket: socket.socket | None = None
        self._failing = False

    def send(self, payload: bytes) -> None:
        try:
            if self._socket is None:
                self._socket = self._open()
            self._socket.sendto(payload, self._peer())
        except OSError as error:
            self.close()
            if not self._failing:
                log.warning("cannot send", extra=fields(session=self._hop, error=error))
            self._failing = True
        else:
            if self._failing:
                log.info("can send again", extra=fields(session=self._hop))
            self._failing = False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _open(self) -> socket.socket:
        family = Family.of(self._hop.local)
        opened = socket.socket(AF[family], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if family is Family.IPV4:
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, CS6)
            else:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, TTL)
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, CS6)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, INTERACTIVE)
            # Single hop: where the link has no route of its own the packet must not take the way through another router.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
            if self._hop.interface is not None:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._hop.interface.encode())
            self._bind(opened)
        except OSError:
            opened.close()
            raise
        return opened

    def _bind(self, opened: socket.socket) -> None:
        """To a port of BFD's range that is free (RFC 5881, section 4)."""
        local = str(self._hop.local)
        for port in self._random.sample(SOURCE_PORTS, 20):
            try:
                opened.bind((local, port, 0, self._scope()) if ":" in local else (local, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
        raise OSError(errno.EADDRINUSE, "no free source port was found")

    def _peer(self) -> tuple[str, int] | tuple[str, int, int, int]:
        peer = str(self._hop.peer)
        return (peer, PORT, 0, self._scope()) if ":" in peer else (peer, PORT)

    def _scope(self) -> int:
        return socket.if_nametoindex(self._hop.interface) if self._hop.interface else 0
