"""How many bytes each BGP session's TCP connection has received, as the kernel counts them (sock_diag(7), INET_DIAG_INFO).

The kernel is asked for established connections to one port only, so a host with many others costs nothing; no privilege is
needed, and it says nothing about other network namespaces. `request` and `answers` are pure.
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from bgp_config.names import Family, IPAddress

Connection = tuple[IPAddress, IPAddress]
"""Local and peer address."""

_SOCK_DIAG_BY_FAMILY, _INET_DIAG_INFO = 20, 2
_NETLINK_SOCK_DIAG = 4
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_ESTABLISHED = 1 << 1
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr
_MESSAGE_LEN = 72  # struct inet_diag_msg
_SOURCE, _DESTINATION = slice(8, 24), slice(24, 40)  # of its id
_BYTES_RECEIVED = struct.Struct("=128xQ")  # of struct tcp_info
_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_RECEIVE = 1 << 16
_TIMEOUT_S = 0.2


def received_bytes(port: int) -> Mapping[Connection, int]:
    """By connection to this port. Empty where the kernel does not answer."""
    found: dict[Connection, int] = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as diag:
            diag.settimeout(_TIMEOUT_S)
            for family in Family:
                diag.send(request(family, port))
                while (octets := diag.recv(_RECEIVE)) and not _is_last(octets):
                    found.update(answers(octets))
                found.update(answers(octets))
    except OSError:
        pass  # what was heard so far is true
    return found


def request(family: Family, port: int) -> bytes:
    """For all established connections to that port, with their tcp_info."""
    head = struct.pack("=BBBxI", _FAMILIES[family], socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), _ESTABLISHED)
    which = struct.pack("!HH32xIII", 0, port, 0, 0xFFFFFFFF, 0xFFFFFFFF)  # INET_DIAG_NOCOOKIE
    body = head + which
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 0, 0) + body


def answers(octets: bytes) -> Iterator[tuple[Connection, int]]:
    """What one datagram of the answer tells."""
    for kind, body in _messages(octets):
        if kind == _SOCK_DIAG_BY_FAMILY:
            size = 4 if body[0] == socket.AF_INET else 16
            source, destination = (ip_address(body[part][:size]) for part in (_SOURCE, _DESTINATION))
            for attribute, value in _attributes(body[_MESSAGE_LEN:]):
                if attribute == _INET_DIAG_INFO and len(value) >= _BYTES_RECEIVED.size:
                    yield (source, destination), _BYTES_RECEIVED.unpack_from(value)[0]


def _is_last(octets: bytes) -> bool:
    return any(kind in {_DONE, _ERROR} for kind, _ in _messages(octets))


def _messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(octets)
        if length < _HEADER.size:
            return
        yield kind, octets[_HEADER.size : length]
        octets = octets[_aligned(length) :]


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(octets)
        if length < _ATTRIBUTE.size:
            return
        yield kind, octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
