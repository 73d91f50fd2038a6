"""Rtnetlink's bytes become typed routes; what is not a unicast route of the main table is passed over."""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from bgp_config.names import IPAddress
from herald.lab.routes import (
    AF_INET,
    AF_INET6,
    NLMSG_DONE,
    NLMSG_ERROR,
    RT_TABLE_MAIN,
    RTA_DST,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_TABLE,
    RTA_VIA,
    RTM_DELROUTE,
    RTM_NEWROUTE,
    RTN_UNICAST,
    EndOfDump,
    KernelRoute,
    RouteMessage,
    messages,
)

VIP = ip_network("198.51.100.7/32")
HOP1, HOP2 = IPv4Address("10.1.1.1"), IPv4Address("10.1.2.1")


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def route(
    *attributes: bytes,
    kind: int = RTM_NEWROUTE,
    family: int = AF_INET,
    length: int = 32,
    table: int = RT_TABLE_MAIN,
    of: int = RTN_UNICAST,
) -> bytes:
    return message(kind, struct.pack("=BBBBBBBBI", family, length, 0, 0, table, 186, 0, of, 0) + b"".join(attributes))


def hop(address: IPAddress) -> bytes:
    nested = attribute(RTA_GATEWAY, address.packed)
    return struct.pack("=HBBi", 8 + len(nested), 0, 0, 3) + nested


def only(datagram: bytes) -> RouteMessage:
    (read,) = messages(datagram)
    assert isinstance(read, RouteMessage)
    return read


DST = attribute(RTA_DST, VIP.network_address.packed)


def test_a_route_with_one_gateway() -> None:
    read = only(route(DST, attribute(RTA_GATEWAY, HOP1.packed)))
    assert read == RouteMessage(KernelRoute(prefix=VIP, next_hops=frozenset({HOP1})), gone=False)


def test_an_ecmp_route_has_all_its_gateways() -> None:
    assert only(route(DST, attribute(RTA_MULTIPATH, hop(HOP1) + hop(HOP2)))).route.next_hops == {HOP1, HOP2}


def test_an_ipv6_route() -> None:
    next_hop = IPv6Address("fe80::1")
    dst = attribute(RTA_DST, ip_address("2001:db8::1").packed)
    read = only(route(dst, attribute(RTA_GATEWAY, next_hop.packed), family=AF_INET6, length=128))
    assert read.route == KernelRoute(prefix=ip_network("2001:db8::1/128"), next_hops=frozenset({next_hop}))


def test_an_ipv4_route_with_an_ipv6_gateway() -> None:
    via = struct.pack("=H", AF_INET6) + IPv6Address("fe80::2").packed
    assert only(route(DST, attribute(RTA_VIA, via))).route.next_hops == {IPv6Address("fe80::2")}


def test_a_deleted_route_is_gone() -> None:
    assert only(route(DST, kind=RTM_DELROUTE)).gone


def test_a_default_route_has_no_destination_and_a_device_route_no_next_hop() -> None:
    assert only(route(length=0)).route == KernelRoute(prefix=ip_network("0.0.0.0/0"), next_hops=frozenset())


def test_other_tables_and_kinds_are_passed_over() -> None:
    local = 255
    passed_over = [
        route(DST, table=local),
        route(DST, attribute(RTA_TABLE, struct.pack("=I", 1000))),
        route(DST, of=2),
        message(16, b"\0" * 16),
    ]
    assert list(messages(b"".join(passed_over))) == []


def test_several_messages_of_one_datagram_are_read_in_order_up_to_the_end() -> None:
    read = list(messages(route(DST) + route(DST, kind=RTM_DELROUTE) + message(NLMSG_DONE, b"\0\0\0\0")))
    assert [type(one) for one in read] == [RouteMessage, RouteMessage, EndOfDump]


def test_a_refusal_of_the_kernel_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        list(messages(message(NLMSG_ERROR, struct.pack("=i", -1) + b"\0" * 16)))
