"""What a probe says on its connection and makes of what it hears: TCP, HTTP/1.1, HTTPS. Bytes in, bytes or an outcome out.

No sockets and no clock. Of an answer only the first line counts; no certificate is verified, since a probe asks whether
somebody serves, not who.
"""

import re
import ssl
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Protocol, Self, TypeAlias

from bgp_config.config import HealthCheck
from bgp_config.names import IPAddress

CHUNK = 16384
"""No more than this is read of an answer that says nothing yet."""
HTTP_PORT = 80
FINAL_STATUS = 200
_VERSION = b"HTTP/1."
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")


class Outcome(StrEnum):
    """How a probe ended. NOT_ASKED is this node's own fault, and says nothing of the endpoint."""

    PASSED = "passed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timedOut"
    CLOSED = "closed"
    STATUS = "status"
    MALFORMED = "malformed"
    TLS = "tls"
    NOT_ASKED = "notAsked"


Step: TypeAlias = bytes | Outcome
"""What to send next, which may be nothing; or how it ended."""


class Dialogue(Protocol):
    """One probe's conversation: `connected` once, then `heard` for each piece; b"" is the end of the stream."""

    def connected(self) -> Step: ...

    def heard(self, received: bytes) -> Step: ...


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it is sent, and the statuses that are expected: made once per target, not per probe."""

    text: bytes
    statuses: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, check: HealthCheck, address: IPAddress, port: int) -> Self:
        own = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        host = check.host or (own if port == HTTP_PORT else f"{own}:{port}")
        lines = (f"GET {check.path} HTTP/1.1", f"Host: {host}", "User-Agent: herald-speaker", "Connection: close", "", "")
        return cls("\r\n".join(lines).encode(), check.statuses)

    def judge(self, status: int) -> Outcome:
        expected = any(first <= status <= last for first, last in self.statuses)
        return Outcome.PASSED if expected else Outcome.STATUS


class Connect:
    """TCP: who accepts is well."""

    def connected(self) -> Step:
        return Outcome.PASSED

    def heard(self, received: bytes) -> Step:
        del received
        return Outcome.PASSED


class Http:
    """HTTP: the first status that is final (RFC 9110, section 15.2)."""

    __slots__ = ("_heard", "_read", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._read = b""
        self._heard = 0

    def connected(self) -> Step:
        return self._request.text

    def heard(self, received: bytes) -> Step:
        if not received:
            return Outcome.CLOSED
        self._read += received
        self._heard += len(received)
        while match := _STATUS_LINE.match(self._read):
            if (status := int(match[1])) >= FINAL_STATUS:
                return self._request.judge(status)
            _, complete, rest = self._read.partition(b"\r\n\r\n")
            if not complete:
                break
            self._read = rest
        hopeless = not match and (b"\n" in self._read or not _VERSION.startswith(self._read[: len(_VERSION)]))
        return Outcome.MALFORMED if hopeless or self._heard > CHUNK else b""


class Https:
    """HTTP within TLS, over memory."""

    __slots__ = ("_http", "_received", "_shaken", "_tls", "_to_send")

    def __init__(self, request: Request, context: ssl.SSLContext, server_name: str | None) -> None:
        self._http = Http(request)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_name)
        self._shaken = False

    def connected(self) -> Step:
        return self._go_on()

    def heard(self, received: bytes) -> Step:
        if received:
            self._received.write(received)
        else:
            self._received.write_eof()
        return self._go_on()

    def _go_on(self) -> Step:
        try:
            return self._read()
        except ssl.SSLWantReadError:
            return self._to_send.read()
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return Outcome.CLOSED
        except ssl.SSLError:
            return Outcome.TLS

    def _read(self) -> Outcome:
        """Raises SSLWantReadError as long as the peer has to say something first."""
        step: Step = b""
        if not self._shaken:
            self._tls.do_handshake()
            self._shaken, step = True, self._http.connected()
        while isinstance(step, bytes):
            if step:
                self._tls.write(step)
            step = self._http.heard(self._tls.read(CHUNK))
        return step


def tls_context() -> ssl.SSLContext:
    """One for all probes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
