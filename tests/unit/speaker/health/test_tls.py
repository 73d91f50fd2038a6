"""HTTPS as a dialogue, and which of a target's handshakes are full: always with OpenSSL's server at the other end."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import HealthCheck, Protocol
from bgp_config.names import HealthCheckName
from speaker.health.dialogue import Outcome, Request
from speaker.health.tls import ABBREVIATED_S, FULL_S, Contexts, Handshakes, Https
from tests.builders import ip

CHECK = HealthCheck(name=HealthCheckName("web"), protocol=Protocol.HTTPS, path="/healthz", statuses=((200, 200),))
REQUEST = Request.of(CHECK, ip("10.244.1.7"), 8443)
CONTEXTS = Contexts()
CERTIFICATE = Path(__file__).with_name("endpoint.pem")
"""Self-signed, with its key; of no other use."""
V2, V3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
FULL, FIRST, RESUMED = ("TLSv1.3", False), ("TLSv1.2", False), ("TLSv1.2", True)
"""Handshakes as the server sees them: the version, and whether a session was resumed."""


def server_context(minimum: ssl.TLSVersion = V2, maximum: ssl.TLSVersion = V3) -> ssl.SSLContext:
    """With keys of its own for sessions."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.minimum_version, context.maximum_version = minimum, maximum
    return context


class Conversation:
    """The server's end of one connection, over memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.request = b""

    def answer(self, sent: bytes, text: bytes) -> bytes:
        """What it says to this; `text` once it has the request."""
        self._in.write(sent)
        try:
            self.tls.do_handshake()
            self.request += self.tls.read()
            self.tls.write(text)
        except ssl.SSLError:  # it waits for more, or has refused
            pass
        return self._out.read()

    def hold(self, dialogue: Https, status: int = 200, size: int = 100_000) -> Outcome:
        """In pieces of this size."""
        step, said = dialogue.connected(), b""
        while isinstance(step, bytes):
            said += self.answer(step, b"HTTP/1.1 %d\r\n" % status)
            step, said = dialogue.heard(said[:size]), said[size:]
        return step


@dataclass(frozen=True, slots=True)
class Probe:
    outcome: Outcome
    is_asked_again: bool
    handshake: tuple[str | None, bool]


class Target:
    """A server and what probes know of it from earlier."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context, self.now = context, 1000.0
        self.handshakes = Handshakes(CONTEXTS)

    def probe(self, status: int = 200, after_s: float = 1) -> Probe:
        self.now += after_s
        conversation, dialogue = Conversation(self.context), Https(REQUEST, self.handshakes, None, self.now)
        outcome = conversation.hold(dialogue, status)
        tls = conversation.tls
        return Probe(outcome, dialogue.ended(outcome, self.now), (tls.version(), bool(tls.session_reused)))

    def handshakes_of(self, probes: int) -> list[tuple[str | None, bool]]:
        """Of so many probes that all pass."""
        made = [self.probe() for _ in range(probes)]
        assert {(each.outcome, each.is_asked_again) for each in made} == {(Outcome.PASSED, False)}
        return [each.handshake for each in made]


@pytest.mark.parametrize("version", [V2, V3])
@pytest.mark.parametrize("size", [1, 100, 100_000])
@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.PASSED), (500, Outcome.STATUS)])
def test_https_asks_the_same_within_tls_and_verifies_no_certificate(
    version: ssl.TLSVersion, size: int, status: int, outcome: Outcome
) -> None:
    server = Conversation(server_context(version, version))
    assert server.hold(Https(REQUEST, Handshakes(CONTEXTS), "other.example", 0), status, size) is outcome
    assert server.request == REQUEST.text


def test_what_is_no_tls_and_an_early_end_are_told_apart() -> None:
    plain, early = (Https(REQUEST, Handshakes(CONTEXTS), None, 0) for _ in range(2))
    plain.connected()
    early.connected()
    assert plain.heard(b"HTTP/1.1 400 Bad Request\r\n\r\n") is Outcome.TLS
    assert early.heard(b"") is Outcome.CLOSED


@given(st.binary(min_size=1, max_size=64))
def test_any_bytes_are_an_outcome_or_waited_for(received: bytes) -> None:
    https = Https(REQUEST, Handshakes(CONTEXTS), None, 0)
    https.connected()
    step = https.heard(received)
    assert isinstance(step, bytes) or step is Outcome.TLS


def test_the_first_handshake_is_full_and_of_the_newest_version_and_later_ones_resume_a_session() -> None:
    assert Target(server_context()).handshakes_of(5) == [FULL, FIRST, RESUMED, RESUMED, RESUMED]


def test_a_server_of_tls_1_2_alone_is_resumed_as_well() -> None:
    assert Target(server_context(maximum=V2)).handshakes_of(4) == [FIRST, FIRST, RESUMED, RESUMED]


def test_within_a_minute_a_full_one_is_made_again() -> None:
    target = Target(server_context())
    made = target.handshakes_of(3 + int(ABBREVIATED_S))
    again = made.index(FULL, 1)
    assert again >= ABBREVIATED_S / 2
    assert made[again : again + 3] == [FULL, FIRST, RESUMED]


def test_a_server_without_tls_1_2_is_asked_again_at_once_and_then_fully_for_minutes() -> None:
    target = Target(server_context(minimum=V3))
    assert target.handshakes_of(1) == [FULL]
    refused = target.probe()
    assert (refused.outcome, refused.is_asked_again) == (Outcome.TLS, True)
    assert set(target.handshakes_of(int(FULL_S) - 1)) == {FULL}
    assert target.probe().outcome is Outcome.TLS, "by now it may have learnt"


@pytest.mark.parametrize("forgets", [True, False])
def test_a_server_that_forgets_its_sessions_passes_and_is_asked_fully_for_minutes(forgets: bool) -> None:  # noqa: FBT001
    target = Target(server_context())
    assert target.handshakes_of(3)[-1] == RESUMED
    if forgets:
        target.context = server_context()
    assert target.handshakes_of(3) == ([FIRST, FULL, FULL] if forgets else [RESUMED] * 3)
    assert set(target.handshakes_of(int(FULL_S / 2))) == ({FULL} if forgets else {FULL, FIRST, RESUMED})


def test_what_an_abbreviated_handshake_finds_bad_is_asked_again_by_a_full_one_and_only_that_counts() -> None:
    target = Target(server_context())
    target.handshakes_of(3)
    bad = [target.probe(status=500, after_s=0) for _ in range(3)]
    assert [each.handshake for each in bad] == [RESUMED, FULL, FULL]
    assert [each.is_asked_again for each in bad] == [True, False, False]
    assert target.handshakes_of(3) == [FULL, FIRST, RESUMED], "nothing is known of it from before"


def test_after_a_timeout_it_is_not_asked_again_but_fully_the_next_time() -> None:
    target = Target(server_context())
    target.handshakes_of(3)
    assert not Https(REQUEST, target.handshakes, None, target.now).ended(Outcome.TIMED_OUT, target.now)
    assert target.handshakes_of(2) == [FULL, FULL]


def test_targets_share_no_session() -> None:
    context = server_context()
    for _ in range(2):
        assert Target(context).handshakes_of(3) == [FULL, FIRST, RESUMED]
