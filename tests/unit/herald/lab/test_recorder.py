"""What is read from a socket is there to wait for, in order, and a broken socket does not go unnoticed."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from herald.lab.recorder import Recorder


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair(type=socket.SOCK_DGRAM)
    with near, far:
        yield near, far


def words(source: socket.socket) -> list[str]:
    return source.recv(1024).decode().split()


def break_down(source: socket.socket) -> list[str]:
    raise OSError(f"lost events of {source.recv(1024)!r}")


async def test_an_event_before_and_one_after_the_call_are_both_found(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    async with Recorder(near, words) as recorder:
        far.send(b"one two")
        assert await recorder.first(lambda word: word == "two", 5) == "two"
        assert await recorder.first(lambda word: word == "one", 5) == "one"
        waiting = [asyncio.create_task(recorder.first(lambda word: word == "three", 5)) for _ in range(2)]
        await asyncio.sleep(0)
        far.send(b"three")
        assert await asyncio.gather(*waiting) == ["three", "three"]
        assert recorder.events == ["one", "two", "three"]


async def test_an_event_that_does_not_come_is_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    async with Recorder(near, words) as recorder:
        far.send(b"one")
        with pytest.raises(TimeoutError):
            await recorder.first(lambda word: word == "two", 0.05)


async def test_a_socket_that_loses_events_fails_whoever_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    async with Recorder(near, break_down) as recorder:
        far.send(b"x")
        with pytest.raises(OSError, match="lost events"):
            await recorder.first(lambda _: False, 5)


async def test_events_are_read_while_the_event_loop_is_busy(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair

    def stamp(source: socket.socket) -> list[float]:
        source.recv(1024)
        return [time.monotonic()]

    async with Recorder(near, stamp) as recorder:
        sent = time.monotonic()
        far.send(b"x")
        time.sleep(0.2)  # noqa: ASYNC251 -- the busy event loop
        assert await recorder.first(lambda _: True, 5) - sent < 0.1


async def test_what_was_recorded_stays_after_closing_and_closing_twice_does_nothing(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, far = pair
    recorder = Recorder(near, words)
    far.send(b"one")
    await recorder.first(lambda _: True, 5)
    recorder.close()
    recorder.close()
    assert recorder.events == ["one"]
