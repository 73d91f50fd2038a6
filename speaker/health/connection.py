"""One probe on its way: a connection that does not block, and the dialogue on it.

It is closed with a reset: thousands of probes must leave neither this node nor the endpoint with connections in TIME_WAIT.
"""

import errno
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Self, TypeAlias

from bgp_config.config import Protocol
from speaker.health.dialogue import CHUNK, Connect, Dialogue, Http, Https, Outcome, Request, Step
from speaker.health.targets import Target

MOST_HEARD = 2**18
"""A peer that says more than any handshake needs would hold up the loop for as long as it goes on."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_OUTCOMES = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.ECONNRESET: Outcome.CLOSED,
    errno.EPIPE: Outcome.CLOSED,
    errno.ETIMEDOUT: Outcome.TIMED_OUT,
    errno.EHOSTUNREACH: Outcome.UNREACHABLE,
    errno.ENETUNREACH: Outcome.UNREACHABLE,
    errno.EHOSTDOWN: Outcome.UNREACHABLE,
}
"""All other errors are this node's own: no descriptor, port, memory or permission."""

SocketAddress: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Question:
    """All of a target that is the same for each of its probes."""

    family: socket.AddressFamily
    address: SocketAddress
    request: Request
    protocol: Protocol
    server_name: str | None

    @classmethod
    def of(cls, target: Target) -> Self:
        check, address, port = target.check, target.address, target.port
        return cls(
            family=socket.AF_INET if address.version == 4 else socket.AF_INET6,  # noqa: PLR2004 -- IPv4
            address=(str(address), port),
            request=Request.of(check, address, port),
            protocol=check.protocol,
            server_name=check.host,
        )

    def dialogue(self, context: ssl.SSLContext) -> Dialogue:
        match self.protocol:
            case Protocol.TCP:
                return Connect()
            case Protocol.HTTP:
                return Http(self.request)
            case Protocol.HTTPS:
                return Https(self.request, context, self.server_name)


class Connection:
    """`go_on` whenever the socket is ready, until there is an outcome; then, or at any time before, `close`."""

    __slots__ = ("_connected", "_dialogue", "_heard", "_question", "_socket", "_unsent")

    def __init__(self, question: Question, context: ssl.SSLContext) -> None:
        """Raises OSError where this node has no socket to give, and ValueError for a name that TLS cannot take."""
        self._question = question
        self._dialogue = question.dialogue(context)
        self._socket = socket.socket(question.family, _KIND)
        self._connected = False
        self._heard = 0
        self._unsent = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def waits_to_send(self) -> bool:
        """Or to be connected."""
        return not self._connected or bool(self._unsent)

    def open(self) -> Outcome | None:
        """Begins. Within this host it may be connected, or refused, at once. Raises OSError for what is no address here."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        error = self._socket.connect_ex(self._question.address)
        return None if error == errno.EINPROGRESS else self._opened(error)

    def go_on(self) -> Outcome | None:
        """Says and hears what can be without waiting."""
        if not self._connected:
            return self._opened(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        try:
            self._send()
            while isinstance(step := self._hear(), bytes):
                self._send(step)
        except BlockingIOError:
            return None
        except OSError as error:
            return _outcome(error.errno or 0)
        return step

    def close(self) -> None:
        self._socket.close()

    def _opened(self, error: int) -> Outcome | None:
        if error:
            return _outcome(error)
        self._connected = True
        step = self._dialogue.connected()
        if not isinstance(step, bytes):
            return step
        try:
            self._send(step)
        except OSError as failed:
            return _outcome(failed.errno or 0)
        return None

    def _hear(self) -> Step:
        received = self._socket.recv(CHUNK)
        self._heard += len(received)
        return self._dialogue.heard(received) if self._heard <= MOST_HEARD else Outcome.MALFORMED

    def _send(self, more: bytes = b"") -> None:
        """What the socket does not take now is sent when it is ready."""
        unsent = self._unsent + more
        try:
            self._unsent = unsent[self._socket.send(unsent) :] if unsent else b""
        except BlockingIOError:
            self._unsent = unsent


def _outcome(error: int) -> Outcome:
    return _OUTCOMES.get(error, Outcome.NOT_ASKED)
