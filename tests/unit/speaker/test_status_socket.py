"""The status socket: whoever asks is answered or disconnected, and leaves nothing behind."""

import asyncio
import json
import logging
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from herald.lab.waiting import until
from speaker.status_socket import NAME, answering
from tests.unit.speaker.test_core import one_service
from tests.unit.speaker.test_daemon import VIPS, bench

ENDLESS = b"x" * 2**17 + b"\n"
MORE_THAN_FITS = 2000
"""Services, into what the kernel and asyncio keep for one who does not read."""


@contextmanager
def hung_up_on(directory: Path, question: bytes) -> Iterator[Callable[[], bool]]:
    """Asks, and reads nothing. Yields whether it is disconnected."""
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(str(directory / NAME))
        asker.send(question)
        poll = select.poll()
        poll.register(asker, select.POLLHUP)
        yield lambda: bool(poll.poll(0))


async def test_one_service_is_told_of_in_lines_of_json(tmp_path: Path) -> None:
    async with bench() as made, answering(made.speaker, tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
        writer.write(f"default/web-{VIPS[0]}\n".encode())
        head, service, facts = map(json.loads, (await reader.read()).splitlines())
        writer.close()
        await writer.wait_closed()
    assert head["node"] == "node1"
    assert [each["vip"] for each in service["vips"]] == VIPS[:1]
    assert "policy" in facts


@pytest.mark.parametrize("question", [b"\xff\n", ENDLESS])
async def test_what_is_no_question_ends_the_connection_and_is_no_fault(
    tmp_path: Path, question: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench() as made, answering(made.speaker, tmp_path):
        with hung_up_on(tmp_path, question) as hung_up:
            await until(hung_up, 5)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_who_does_not_read_the_answer_is_disconnected(tmp_path: Path) -> None:
    async with bench() as made, answering(made.speaker, tmp_path, answer_s=0.2):
        for number in range(MORE_THAN_FITS):
            made.post(one_service(f"more-{number}", f"198.51.100.{number % 250}"))
        await until(lambda: len(made.speaker.core.decisions) > MORE_THAN_FITS, 10)
        with hung_up_on(tmp_path, b"\n") as hung_up:
            await until(hung_up, 10)
