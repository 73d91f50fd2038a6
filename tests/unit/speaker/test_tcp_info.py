"""The kernel of this machine, about connections of this process."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from herald.lab.waiting import until
from speaker.tcp_info import answers, received_bytes
from tests.builders import ip


@pytest.fixture(params=["127.0.0.1", "::1"])
def connection(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket, str]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with ExitStack() as held:
        listening = held.enter_context(socket.socket(family))
        listening.bind((request.param, 0))
        listening.listen()
        client = held.enter_context(socket.create_connection(listening.getsockname()[:2]))
        server = held.enter_context(listening.accept()[0])
        yield client, server, request.param


async def test_bytes_are_those_that_the_other_end_has_sent(connection: tuple[socket.socket, socket.socket, str]) -> None:
    client, server, address = connection
    port = client.getpeername()[1]
    ends = (ip(address), ip(address))
    assert received_bytes(port) == {ends: 0}
    server.sendall(b"x" * 1234)
    await until(lambda: received_bytes(port) == {ends: 1234}, 5)
    client.sendall(b"y" * 99)
    assert received_bytes(port) == {ends: 1234}


def test_of_a_port_that_nobody_is_connected_to_there_is_nothing() -> None:
    assert received_bytes(1) == {}


@pytest.mark.parametrize("octets", [b"", b"\0" * 16, b"\x05\0\0\0" + b"\0" * 12, b"\xff" * 40])
def test_what_is_no_answer_says_nothing(octets: bytes) -> None:
    assert list(answers(octets)) == []
