"""Which of the kernel's notifications make the speaker ask again how its peers are reached."""

import struct
from ipaddress import ip_address

import pytest

from speaker.netwatch import (
    RT_TABLE_LOCAL,
    RTM_DELADDR,
    RTM_DELROUTE,
    RTM_NEWADDR,
    RTM_NEWROUTE,
    matters,
    messages,
    taken_off,
)

RTM_NEWLINK, RT_TABLE_MAIN, VIP_DEVICE = 16, 254, 7


def address(device: int) -> bytes:
    return struct.pack("=BBBBI", 2, 32, 0, 0, device)


def route(table: int) -> bytes:
    return struct.pack("=BBBBBBBBI", 2, 32, 0, 0, table, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (RTM_NEWLINK, b"", True),
        (RTM_NEWADDR, address(3), True),
        (RTM_NEWADDR, address(VIP_DEVICE), False),
        (RTM_NEWROUTE, route(RT_TABLE_MAIN), True),
        (RTM_DELROUTE, route(RT_TABLE_MAIN), True),
        (RTM_NEWROUTE, route(RT_TABLE_LOCAL), False),
    ],
)
def test_all_matters_but_vips_and_the_local_table(kind: int, body: bytes, expected: bool) -> None:  # noqa: FBT001
    assert matters(kind, body, VIP_DEVICE) is expected


@pytest.mark.parametrize("vip", ["198.51.100.7", "2001:db8::7"])
def test_what_leaves_the_vips_device_is_told(vip: str) -> None:
    packed = ip_address(vip).packed
    attributes = struct.pack("=HHI", 8, 8, 0x80) + struct.pack("=HH", 4 + len(packed), 1) + packed
    assert taken_off(RTM_DELADDR, address(VIP_DEVICE) + attributes, VIP_DEVICE) == ip_address(vip)
    assert taken_off(RTM_DELADDR, address(3) + attributes, VIP_DEVICE) is None
    assert taken_off(RTM_NEWADDR, address(VIP_DEVICE) + attributes, VIP_DEVICE) is None
    assert taken_off(RTM_DELADDR, address(VIP_DEVICE), VIP_DEVICE) is None
    assert taken_off(RTM_DELADDR, address(VIP_DEVICE) + bytes(8), VIP_DEVICE) is None


def test_a_datagram_is_split_into_its_messages_and_a_damaged_one_ends() -> None:
    def message(kind: int, body: bytes) -> bytes:
        padded = body + bytes(-len(body) % 4)
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + padded

    one, two = message(RTM_NEWADDR, address(3)), message(RTM_NEWROUTE, route(RT_TABLE_MAIN) + b"x")
    assert list(messages(one + two)) == [(RTM_NEWADDR, address(3)), (RTM_NEWROUTE, route(RT_TABLE_MAIN) + b"x")]
    assert list(messages(one + bytes(16))) == [(RTM_NEWADDR, address(3))]
