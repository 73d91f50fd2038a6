"""Tells when something of this host's network changed that could change how peers are reached.

Hears the kernel's rtnetlink notifications and remembers one bit. VIPs come and go by the thousand on devices of their own,
each with a route in the kernel's local table: those are passed over, so that asking the kernel again stays rare. Of these it
tells at once what leaves.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Self

from bgp_config.names import IPAddress

RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE = 0x1, 0x10, 0x40, 0x100, 0x400
GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE
RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE = 20, 21, 24, 25
RT_TABLE_LOCAL = 255
IFA_ADDRESS = 1
DATAGRAM = 1 << 16

_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBB")
_ATTRIBUTE = struct.Struct("=HH")


class NetworkWatch:
    """`changed` until `forget`. Use with `with`; made and used in a running event loop.

    `on_taken_off` is called with each address that leaves the VIPs' device, or with None when notifications were lost.
    """

    def __init__(self) -> None:
        self.on_taken_off: Callable[[IPAddress | None], None] = lambda _: None
        self._vip_device: int | None = None
        self._changed = True
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._socket.bind((0, GROUPS))
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._socket, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    @property
    def changed(self) -> bool:
        return self._changed

    def forget(self) -> None:
        """What changed so far is being looked at."""
        self._changed = False

    def remember(self) -> None:
        """Nobody could look at it: it counts as changed still."""
        self._changed = True

    def pass_over(self, vip_device: int) -> None:
        """Addresses of this device are VIPs."""
        self._vip_device = vip_device

    def _hear(self) -> None:
        try:
            datagram = self._socket.recv(DATAGRAM)
        except BlockingIOError:
            return
        except OSError:  # the kernel had more to say than we could hear
            self._changed = True
            self.on_taken_off(None)
            return
        for kind, body in messages(datagram):
            self._changed = self._changed or matters(kind, body, self._vip_device)
            if (vip := taken_off(kind, body, self._vip_device)) is not None:
                self.on_taken_off(vip)


def messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message of a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size:
            return
        yield kind, datagram[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def matters(kind: int, body: bytes, vip_device: int | None) -> bool:
    """Whether how a peer is reached may have changed."""
    if kind in {RTM_NEWADDR, RTM_DELADDR} and len(body) >= _ADDRESS.size:
        *_, device = _ADDRESS.unpack_from(body)
        return bool(device != vip_device)
    if kind in {RTM_NEWROUTE, RTM_DELROUTE} and len(body) >= _ROUTE.size:
        *_, table = _ROUTE.unpack_from(body)
        return bool(table != RT_TABLE_LOCAL)
    return True


def taken_off(kind: int, body: bytes, vip_device: int | None) -> IPAddress | None:
    """The address that has left the device of VIPs, if that is what the message says."""
    if kind != RTM_DELADDR or len(body) < _ADDRESS.size or _ADDRESS.unpack_from(body)[-1] != vip_device:
        return None
    offset = _ADDRESS.size
    while offset + _ATTRIBUTE.size <= len(body):
        length, attribute = _ATTRIBUTE.unpack_from(body, offset)
        if attribute == IFA_ADDRESS:
            return ip_address(body[offset + _ATTRIBUTE.size : offset + length])
        offset += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return None
