"""Reads a namespace's kernel routes, and follows their changes with time stamps, over rtnetlink.

A change is stamped when it is received, about a tenth of a millisecond after the kernel made it.
"""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bgp_config.names import IPAddress, Prefix
from herald.lab.namespace import inside
from herald.lab.recorder import Recorder
from herald.lab.routes import AF_INET, AF_INET6, EndOfDump, KernelRoute, RouteMessage, dump_request, messages

RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE = 0x40, 0x400
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 16 * 2**20
DATAGRAM = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChange:
    """From time `at` the prefix has these next hops; None: it has no route any more."""

    at: float
    prefix: Prefix
    next_hops: frozenset[IPAddress] | None


def read_routes(namespace: str) -> dict[Prefix, KernelRoute]:
    """The unicast routes of the main table, both families."""
    with inside(namespace, lambda: _netlink(0)) as kernel:
        return {route.prefix: route for family in (AF_INET, AF_INET6) for route in _dump(kernel, family)}


def follow_routes(namespace: str) -> Recorder[RouteChange]:
    """Every change from now on. The caller closes it."""
    return Recorder(inside(namespace, lambda: _netlink(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)), _changes)


def _netlink(groups: int) -> socket.socket:
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    kernel.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    kernel.bind((0, groups))
    return kernel


def _dump(kernel: socket.socket, family: int) -> list[KernelRoute]:
    kernel.send(dump_request(family))
    routes: list[KernelRoute] = []
    while True:
        for message in messages(kernel.recv(DATAGRAM)):
            if isinstance(message, EndOfDump):
                return routes
            routes.append(message.route)


def _changes(kernel: socket.socket) -> Iterable[RouteChange]:
    datagram = kernel.recv(DATAGRAM)
    at = time.monotonic()
    for message in messages(datagram):
        if isinstance(message, RouteMessage):
            route = message.route
            yield RouteChange(at=at, prefix=route.prefix, next_hops=None if message.gone else route.next_hops)
