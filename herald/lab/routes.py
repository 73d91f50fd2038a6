"""The kernel's routes as typed values, read from rtnetlink messages.

Pure: bytes in, values out. IPv4 and IPv6 unicast routes of the main table; everything else is passed over. A route that
only goes out of a device has no next hops.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from bgp_config.names import IPAddress, Prefix

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
AF_INET, AF_INET6 = 2, 10
RT_TABLE_MAIN = 254
RTN_UNICAST = 1
RTA_DST, RTA_GATEWAY, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 5, 9, 15, 18

_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_NEXT_HOP = struct.Struct("=HBBi")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRoute:
    """One prefix of the main table and where its packets go."""

    prefix: Prefix
    next_hops: frozenset[IPAddress]


@dataclass(frozen=True, slots=True)
class RouteMessage:
    """What one rtnetlink message says: the route is now so, or is gone."""

    route: KernelRoute
    gone: bool


@dataclass(frozen=True, slots=True)
class EndOfDump:
    """The kernel has told all its routes."""


def dump_request(family: int) -> bytes:
    """RTM_GETROUTE for all routes of the family."""
    body = _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    return _HEADER.pack(_HEADER.size + len(body), RTM_GETROUTE, 0x301, 1, 0) + body


def messages(datagram: bytes) -> Iterator[RouteMessage | EndOfDump]:
    """What one datagram says about routes. OSError if the kernel refused the request."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, _flags, _sequence, _pid = _HEADER.unpack_from(datagram, offset)
        if kind == NLMSG_DONE:
            yield EndOfDump()
            return
        if kind == NLMSG_ERROR:
            raise OSError(-struct.unpack_from("=i", datagram, offset + _HEADER.size)[0], "rtnetlink refused")
        if kind in {RTM_NEWROUTE, RTM_DELROUTE}:
            route = _route(datagram[offset + _HEADER.size : offset + length])
            if route is not None:
                yield RouteMessage(route, gone=kind == RTM_DELROUTE)
        offset += (length + 3) & ~3


def _route(body: bytes) -> KernelRoute | None:
    family, length, _source, _tos, table, _protocol, _scope, kind, _flags = _ROUTE.unpack_from(body)
    attributes = dict(_attributes(body[_ROUTE.size :]))
    if RTA_TABLE in attributes:
        table = struct.unpack("=I", attributes[RTA_TABLE])[0]
    if family not in {AF_INET, AF_INET6} or table != RT_TABLE_MAIN or kind != RTN_UNICAST:
        return None
    destination = attributes.get(RTA_DST, bytes(4 if family == AF_INET else 16))
    prefix: Prefix = IPv4Network((destination, length)) if family == AF_INET else IPv6Network((destination, length))
    return KernelRoute(prefix=prefix, next_hops=frozenset(_next_hops(attributes)))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        yield kind & 0x3FFF, data[offset + _ATTRIBUTE.size : offset + length]
        offset += max((length + 3) & ~3, _ATTRIBUTE.size)


def _next_hops(attributes: dict[int, bytes]) -> Iterator[IPAddress]:
    if RTA_GATEWAY in attributes:
        yield _address(attributes[RTA_GATEWAY])
    if RTA_VIA in attributes:
        yield _address(attributes[RTA_VIA][2:])
    paths, offset = attributes.get(RTA_MULTIPATH, b""), 0
    while offset + _NEXT_HOP.size <= len(paths):
        length, _flags, _weight, _device = _NEXT_HOP.unpack_from(paths, offset)
        yield from _next_hops(dict(_attributes(paths[offset + _NEXT_HOP.size : offset + length])))
        offset += max((length + 3) & ~3, _NEXT_HOP.size)


def _address(raw: bytes) -> IPAddress:
    return IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)  # noqa: PLR2004 -- an IPv4 address has 4 bytes
