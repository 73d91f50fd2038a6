"""HTTPS: HTTP within TLS, over memory; and how a target's handshakes are made, full or abbreviated. No sockets and no clock.

No certificate is verified, since a probe asks whether somebody serves, not who.

A full handshake costs 0.3 ms, most of it public keys and certificates. So it is made about once a minute, by the newest
version that both know. Those between are abbreviated: they resume a session of TLS 1.2 (RFC 5246, section 7.3; RFC 5077),
with no public keys at all. One of TLS 1.3 is no such bargain: keys are exchanged all the same (RFC 8446, section 2.2).

- An abbreviated handshake never speaks against an endpoint: what is found bad by it is asked again at once, by a full one.
- A server that takes none (no TLS 1.2, no sessions, other keys for them than before) gets full ones for some minutes.
- What one of a target's handshakes leaves to the next is a session. It goes with the target, and when a probe does not pass.
"""

import random
import ssl
from dataclasses import dataclass, field

from speaker.health.dialogue import CHUNK, Http, Outcome, Request, Step

ABBREVIATED_S = 60.0
"""At most so long they follow a full one. Who serves those it knows and no others is found by so much later."""
FULL_S = 600.0
"""So long all are full after one that was to be abbreviated and was not."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """For all probes. A session is of the context that made it."""

    newest: ssl.SSLContext = field(default_factory=lambda: _context(ssl.TLSVersion.MAXIMUM_SUPPORTED))
    abbreviated: ssl.SSLContext = field(default_factory=lambda: _context(ssl.TLSVersion.TLSv1_2))


class Handshakes:
    """One target's, one after the other. Times are of one monotonic clock."""

    __slots__ = ("_abbreviated_until", "_contexts", "_full_until", "_session")

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._session: ssl.SSLSession | None = None
        self._abbreviated_until = self._full_until = 0.0

    def begin(self, received: ssl.MemoryBIO, to_send: ssl.MemoryBIO, server_name: str | None, now: float) -> ssl.SSLObject:
        """Raises ValueError for a name that TLS cannot take."""
        if self._full_until <= now < self._abbreviated_until:
            context = self._contexts.abbreviated
            return context.wrap_bio(received, to_send, server_hostname=server_name, session=self._session)
        self._session = None
        return self._contexts.newest.wrap_bio(received, to_send, server_hostname=server_name)

    def ended(self, tls: ssl.SSLObject, outcome: Outcome, now: float) -> bool:
        """Whether that says nothing, so that it must be asked again. After a timeout there is no time for that."""
        is_full, passed = tls.context is self._contexts.newest, outcome is Outcome.PASSED
        if is_full and passed:
            spread = random.uniform(0.5, 1)  # noqa: S311 -- not for secrets: the next full ones shall not fall together
            self._abbreviated_until = now + ABBREVIATED_S * spread
        elif is_full:
            self._abbreviated_until = self._full_until = 0.0
        elif passed and self._session is None:
            self._session = tls.session
        elif not (passed and tls.session_reused):
            self._session, self._full_until = None, now + FULL_S
        return not (is_full or passed or outcome is Outcome.TIMED_OUT)


class Https:
    """One probe's conversation."""

    __slots__ = ("_handshakes", "_http", "_received", "_shaken", "_tls", "_to_send")

    def __init__(self, request: Request, handshakes: Handshakes, server_name: str | None, now: float) -> None:
        self._http = Http(request)
        self._handshakes = handshakes
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = handshakes.begin(self._received, self._to_send, server_name, now)
        self._shaken = False

    def connected(self) -> Step:
        return self._go_on()

    def heard(self, received: bytes) -> Step:
        if received:
            self._received.write(received)
        else:
            self._received.write_eof()
        return self._go_on()

    def ended(self, outcome: Outcome, now: float) -> bool:
        return self._handshakes.ended(self._tls, outcome, now)

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


def _context(newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    return context
