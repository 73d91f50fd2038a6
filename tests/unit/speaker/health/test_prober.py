"""Probes of real endpoints on the loopback device: how each kind of failure is seen, and what is asked how often."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise

import pytest

from bgp_config.config import HealthCheck, Protocol
from bgp_config.names import Family, HealthCheckName
from herald.kube.objects import ObjectKey
from herald.lab.waiting import until
from speaker.health import prober as module
from speaker.health.dialogue import Outcome
from speaker.health.prober import LIMIT, Answer, Prober
from speaker.health.targets import EndpointKey, GroupKey, Target
from tests.builders import ip

HTTP = HealthCheck(
    name=HealthCheckName("web"), protocol=Protocol.HTTP, interval_s=0.1, timeout_s=0.1, statuses=((200, 200),)
)
TCP = replace(HTTP, protocol=Protocol.TCP)
OK, FAILED = (b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status for status in (b"200 OK", b"503 No"))
TIMEOUT_S = 10.0


def key(address: str, name: str = "web") -> EndpointKey:
    return EndpointKey(GroupKey(ObjectKey("default", name), HTTP.name, Family.IPV4), ip(address))


class Probed:
    """A running prober and what it was answered."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.prober = Prober(self.answers.append)

    def watch(self, check: HealthCheck, port: int, address: str = "127.0.0.1") -> None:
        self.prober.watch(key(address), Target(check, ip(address), port))

    async def heard(self, count: int) -> list[Answer]:
        """So many further answers."""
        begin = len(self.answers)
        await until(lambda: len(self.answers) >= begin + count, TIMEOUT_S)
        return self.answers[begin:]

    async def outcomes(self, count: int) -> set[Outcome]:
        return {answer.outcome for answer in await self.heard(count)}


@asynccontextmanager
async def probing() -> AsyncIterator[Probed]:
    probed = Probed()
    running = asyncio.create_task(probed.prober.run())
    try:
        yield probed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert probed.prober.in_flight == 0


@asynccontextmanager
async def server(answer: Callable[[], bytes | None], address: str = "127.0.0.1") -> AsyncIterator[int]:
    """Answers each request so; None: not at all. Its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            said = answer()
            if said is None:
                await reader.read()
            else:
                writer.write(said)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    listening = await asyncio.start_server(serve, address, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_who_answers_as_expected_passes_and_who_answers_otherwise_does_not() -> None:
    said = [OK]
    async with server(lambda: said[0]) as port, probing() as probed:
        probed.watch(HTTP, port)
        assert await probed.outcomes(3) == {Outcome.PASSED}
        said[0] = FAILED
        await until(lambda: probed.answers[-1].outcome is Outcome.STATUS, TIMEOUT_S)
        said[0] = b"220 mail.example ESMTP\r\n"
        await until(lambda: probed.answers[-1].outcome is Outcome.MALFORMED, TIMEOUT_S)
        said[0] = b""
        await until(lambda: probed.answers[-1].outcome is Outcome.CLOSED, TIMEOUT_S)
        said[0] = OK
        await until(lambda: probed.answers[-1].outcome is Outcome.PASSED, TIMEOUT_S)


async def test_a_hung_process_accepts_and_says_nothing_which_takes_the_timeout_to_see() -> None:
    async with server(lambda: None) as port, probing() as probed:
        probed.watch(HTTP, port)
        heard = await probed.heard(3)
        assert {answer.outcome for answer in heard} == {Outcome.TIMED_OUT}
        assert all(answer.took_s >= HTTP.timeout_s for answer in heard)


@pytest.mark.parametrize("check", [TCP, HTTP])
async def test_nobody_there_is_refused(check: HealthCheck) -> None:
    async with probing() as probed:
        probed.watch(check, unused_port())
        assert await probed.outcomes(3) == {Outcome.REFUSED}


async def test_tcp_is_content_with_a_connection_also_of_who_says_nothing() -> None:
    async with server(lambda: None) as port, probing() as probed:
        probed.watch(TCP, port)
        assert await probed.outcomes(3) == {Outcome.PASSED}


async def test_ipv6() -> None:
    async with server(lambda: OK, "::1") as port, probing() as probed:
        probed.watch(HTTP, port, "::1")
        assert await probed.outcomes(3) == {Outcome.PASSED}


async def test_who_talks_plainly_where_tls_is_asked_for_does_not_pass() -> None:
    async with server(lambda: OK) as port, probing() as probed:
        probed.watch(replace(HTTP, protocol=Protocol.HTTPS), port)


async def test_no_interval_is_longer_than_asked_for_but_for_what_the_machine_takes() -> None:
    begun: list[float] = []
    async with probing() as probed:
        probed.watch(TCP, unused_port())
        begun = [answer.at - answer.took_s for answer in await probed.heard(11)]
    gaps = sorted(second - first for first, second in pairwise(begun))
    assert gaps[0] > TCP.interval_s * (1 - module.JITTER) - 0.001
    assert gaps[len(gaps) // 2] < TCP.interval_s + 2 * module.TICK_S


async def test_what_is_forgotten_is_asked_no_more_and_an_edit_asks_otherwise() -> None:
    async with server(lambda: OK) as port, server(lambda: FAILED) as other, probing() as probed:
        probed.watch(HTTP, port)
        assert await probed.outcomes(2) == {Outcome.PASSED}
        probed.watch(HTTP, other)
        assert await probed.outcomes(2) == {Outcome.STATUS}
        probed.prober.forget(key("127.0.0.1"))
        probed.watch(HTTP, port, "127.0.0.2")
        assert {answer.endpoint for answer in await probed.heard(3)} == {key("127.0.0.2")}


async def test_time_in_which_the_loop_itself_hung_counts_against_nobody() -> None:
    async with server(lambda: OK) as port, probing() as probed:
        probed.watch(HTTP, port)
        await probed.heard(1)
        for _ in range(5):
            await until(lambda: probed.prober.in_flight, TIMEOUT_S, every_s=0)
            time.sleep(3 * HTTP.timeout_s)  # noqa: ASYNC251 -- it hangs
            assert await probed.outcomes(1) == {Outcome.PASSED}


async def test_many_that_hang_are_all_found_though_only_so_many_are_asked_at_once() -> None:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(server(lambda: None, "0.0.0.0"))
        probed = await stack.enter_async_context(probing())
        endpoints = [str(ip("127.0.1.0") + number) for number in range(LIMIT + 100)]
        for address in endpoints:
            probed.watch(replace(HTTP, interval_s=1.5, timeout_s=1.5), port, address)
        most = 0

        def all_found() -> bool:
            nonlocal most
            most = max(most, probed.prober.in_flight)
            return {str(answer.endpoint.address) for answer in probed.answers} == set(endpoints)

        await until(all_found, TIMEOUT_S)
        assert most == LIMIT


async def test_who_talks_without_end_does_not_hold_up_the_loop() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(OSError):
            while not writer.is_closing():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
                await writer.drain()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening, probing() as probed:
        probed.watch(HTTP, listening.sockets[0].getsockname()[1])
        assert await probed.outcomes(3) == {Outcome.MALFORMED}


@pytest.mark.parametrize(
    ("check", "address"),
    [(TCP, "fe80::1%nowhere"), (replace(HTTP, protocol=Protocol.HTTPS, host="a..b"), "127.0.0.1")],
)
async def test_what_cannot_be_asked_ends_no_prober(check: HealthCheck, address: str) -> None:
    async with server(lambda: OK) as port, probing() as probed:
        probed.watch(check, port, address)
        probed.watch(TCP, port, "127.0.0.2")  # where nobody listens
        assert await probed.outcomes(8) == {Outcome.NOT_ASKED, Outcome.REFUSED}
