"""What a probe says and makes of answers, whole or in pieces, sound or not."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import HealthCheck, Protocol
from bgp_config.names import HealthCheckName
from speaker.health.dialogue import Connect, Http, Https, Outcome, Request, Step, tls_context
from tests.builders import ip

CHECK = HealthCheck(name=HealthCheckName("web"), protocol=Protocol.HTTP, path="/healthz", statuses=((200, 299), (401, 401)))
REQUEST = Request.of(CHECK, ip("10.244.1.7"), 8080)
CONTEXT = tls_context()
CERTIFICATE = Path(__file__).with_name("endpoint.pem")
"""Self-signed, with its key; of no other use."""


def after(*pieces: bytes) -> Step:
    dialogue = Http(REQUEST)
    dialogue.connected()
    steps = [dialogue.heard(piece) for piece in pieces]
    assert all(step == b"" for step in steps[:-1])
    return steps[-1]


def test_tcp_is_passed_by_being_connected() -> None:
    assert Connect().connected() is Outcome.PASSED


def test_the_request_names_path_host_and_that_it_is_the_only_one() -> None:
    lines = REQUEST.text.decode().split("\r\n")
    assert lines[0] == "GET /healthz HTTP/1.1"
    assert {"Host: 10.244.1.7:8080", "Connection: close"} <= set(lines)
    assert REQUEST.text.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("address", "port", "host"),
    [("10.0.0.1", 80, "10.0.0.1"), ("fd00::1", 80, "[fd00::1]"), ("fd00::1", 81, "[fd00::1]:81")],
)
def test_the_host_is_the_endpoint_unless_one_is_given(address: str, port: int, host: str) -> None:
    assert f"\r\nHost: {host}\r\n".encode() in Request.of(CHECK, ip(address), port).text
    named = HealthCheck(name=CHECK.name, protocol=Protocol.HTTP, host="web.example")
    assert b"\r\nHost: web.example\r\n" in Request.of(named, ip(address), port).text


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n", Outcome.PASSED),
        (b"HTTP/1.0 299\r\n", Outcome.PASSED),
        (b"HTTP/1.1 204 \n", Outcome.PASSED),
        (b"HTTP/1.1 401 Unauthorized\r\n", Outcome.PASSED),
        (b"HTTP/1.1 302 Found\r\n", Outcome.STATUS),
        (b"HTTP/1.1 503 Service Unavailable\r\n", Outcome.STATUS),
        (b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n", Outcome.PASSED),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\n", Outcome.STATUS),
        (b"HTTP/2 200\r\n", Outcome.MALFORMED),
        (b"HTTP/1.1 2000 OK\r\n", Outcome.MALFORMED),
        (b"SSH-2.0-OpenSSH\r\n", Outcome.MALFORMED),
        (b"\r\n", Outcome.MALFORMED),
        (b"HTTP/1.1 200 " + b"x" * 20000, Outcome.MALFORMED),
    ],
)
def test_the_first_final_status_decides_and_what_is_no_http_is_malformed(answer: bytes, outcome: Outcome) -> None:
    assert after(answer) is outcome


@given(st.integers(100, 599), st.lists(st.integers(0, 60), max_size=5))
def test_pieces_say_what_the_whole_says(status: int, cuts: list[int]) -> None:
    answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 %d Whatever\r\n" % max(status, 200)
    dialogue, ends = Http(REQUEST), sorted({*cuts, len(answer)})
    step: Step = b""
    for begin, end in zip([0, *ends], ends, strict=False):
        if begin < end and step == b"":
            step = dialogue.heard(answer[begin:end])
    assert step is Http(REQUEST).heard(answer)


@given(st.binary(min_size=1, max_size=64))
def test_any_bytes_are_an_outcome_or_waited_for(received: bytes) -> None:
    assert Http(REQUEST).heard(received) in {b"", Outcome.MALFORMED}
    https = Https(REQUEST, CONTEXT, None)
    https.connected()
    step = https.heard(received)
    assert isinstance(step, bytes) or step is Outcome.TLS


def test_who_never_comes_to_a_final_status_is_not_heard_for_ever() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * 100
    assert after(*[interim] * 7) is Outcome.MALFORMED


def test_an_end_before_the_status_is_closed() -> None:
    assert after(b"HTTP/1.1 20", b"") is Outcome.CLOSED


class TlsServer:
    """The other end of a TLS connection, over memory."""

    def __init__(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.request = b""

    def answer(self, sent: bytes, text: bytes) -> bytes:
        """What it says to this; `text` once it has the request."""
        self._in.write(sent)
        try:
            self._tls.do_handshake()
            self.request += self._tls.read()
            self._tls.write(text)
        except ssl.SSLWantReadError:
            pass
        return self._out.read()


@pytest.mark.parametrize("size", [1, 100, 100_000])
@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.PASSED), (500, Outcome.STATUS)])
def test_https_asks_the_same_within_tls_and_verifies_no_certificate(size: int, status: int, outcome: Outcome) -> None:
    server, dialogue = TlsServer(), Https(REQUEST, CONTEXT, "other.example")
    step, said = dialogue.connected(), b""
    while isinstance(step, bytes):
        said += server.answer(step, b"HTTP/1.1 %d\r\n" % status)
        step, said = dialogue.heard(said[:size]), said[size:]
    assert server.request == REQUEST.text
    assert step is outcome


def test_what_is_no_tls_and_an_early_end_are_told_apart() -> None:
    plain, early = (Https(REQUEST, CONTEXT, None) for _ in range(2))
    plain.connected()
    early.connected()
    assert plain.heard(b"HTTP/1.1 400 Bad Request\r\n\r\n") is Outcome.TLS
    assert early.heard(b"") is Outcome.CLOSED
