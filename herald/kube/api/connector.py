"""Connections that notice within 30 s that nobody is there any more.

By default a connection whose packets are dropped without a word looks alive for minutes. Ours is probed after 10 s of
silence, and given up 20 s after the last sign of life (RFC 5482's user timeout; it also bounds unacknowledged writes).
"""

import socket
import ssl
from typing import Any

import aiohttp

_KEEPALIVE_IDLE_S = 10
_KEEPALIVE_INTERVAL_S = 5
_USER_TIMEOUT_S = 20


def probed_connector(tls: ssl.SSLContext) -> aiohttp.TCPConnector:
    """No limit on connections: each watch holds one, and a write must never wait for a watch to end."""
    return aiohttp.TCPConnector(limit=0, ssl=tls, socket_factory=_probed_socket)


def _probed_socket(address: tuple[Any, ...]) -> socket.socket:
    """`address` is an entry of getaddrinfo(3)."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_S * 1000)
    return made
