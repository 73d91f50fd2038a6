"""Client and server over a real socket: nothing is lost when either end goes away and comes back."""

import asyncio
import itertools
import select
import selectors
import socket
import stat
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from herald.lab.waiting import until
from speaker.bfd.client import RETRY_S, BfdClient
from speaker.bfd.control import ControlServer
from speaker.bfd.messages import ProgramFacts, encode_snapshot, encode_want
from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status
from tests.unit.speaker.bfd.build import FAST, HOP, UP

FACTS = ProgramFacts(is_real_time=True, is_memory_locked=False, discards={"TTL": 3})


class Program:
    """The control server in a loop of its own, with sessions that are only written down."""

    def __init__(self, path: Path) -> None:
        self.wishes: list[Mapping[Hop, Profile]] = []
        self.statuses: list[Status] = []
        self._selector = selectors.DefaultSelector()
        self._server = ControlServer(path, self._selector, want=self.wishes.append, snapshot=self._snapshot)
        self._ended = threading.Event()
        self._tell: list[Status] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _snapshot(self) -> bytes:
        return encode_snapshot(self.statuses, FACTS)

    def tell(self, status: Status) -> None:
        self._tell.append(status)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        self._server.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            turn(self._selector, 0.005)
            while self._tell:
                self._server.tell(self._tell.pop(0))


def turn(selector: selectors.BaseSelector, timeout_s: float = 1.0) -> None:
    for key, _ in selector.select(timeout_s):
        key.data()


@contextmanager
def program(path: Path) -> Iterator[Program]:
    running = Program(path)
    try:
        yield running
    finally:
        running.end()


@asynccontextmanager
async def client(path: Path, heard: list[Status], **pace: float) -> AsyncIterator[BfdClient]:
    made = BfdClient(path, heard.append, **pace)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_client_that_wants_nothing_yet_says_nothing_and_hears_how_things_are(tmp_path: Path) -> None:
    heard: list[Status] = []
    with program(tmp_path / "bfd.sock") as running:
        running.statuses = [UP]
        async with client(tmp_path / "bfd.sock", heard) as made:
            await until(lambda: heard == [UP], 5)
            assert made.statuses == {HOP: UP}
            assert made.program == FACTS
            assert running.wishes == []


async def test_changes_are_heard_in_order_and_each_once(tmp_path: Path) -> None:
    heard: list[Status] = []
    down = replace(UP, state=State.DOWN, diag=1, since=2.0)
    with program(tmp_path / "bfd.sock") as running:
        async with client(tmp_path / "bfd.sock", heard) as made:
            await until(lambda: made.connected, 5)
            made.want({HOP: FAST})
            await until(lambda: running.wishes == [{HOP: FAST}], 5)
            for status in (UP, down, down, UP):
                running.tell(status)
            await until(lambda: len(heard) == 3, 5)
    assert heard == [UP, down, UP]


async def test_a_new_program_is_told_all_that_is_wanted_and_the_last_word_stands_meanwhile(tmp_path: Path) -> None:
    heard: list[Status] = []
    path = tmp_path / "bfd.sock"
    async with client(path, heard) as made:
        made.want({HOP: FAST})
        with program(path) as first:
            await until(lambda: first.wishes == [{HOP: FAST}], 5)
            first.tell(UP)
            await until(lambda: heard == [UP], 5)
        await until(lambda: not made.connected, 5)
        assert made.statuses == {HOP: UP}
        with program(path) as second:
            await until(lambda: second.wishes == [{HOP: FAST}], 5)
            await until(lambda: made.statuses == {}, 5)
    assert heard == [UP]


async def test_the_socket_is_its_owners_only_and_goes_with_the_program(tmp_path: Path) -> None:
    path = tmp_path / "bfd.sock"
    with program(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_one_that_says_what_is_no_wish_is_disconnected_and_nobody_else(tmp_path: Path) -> None:
    heard: list[Status] = []
    with program(tmp_path / "bfd.sock") as running:
        async with client(tmp_path / "bfd.sock", heard) as made:
            await until(lambda: made.connected, 5)
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "bfd.sock"))
            writer.write(b"nonsense\n")
            await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await writer.wait_closed()
            running.tell(UP)
            await until(lambda: heard == [UP], 5)
            assert made.connected


def test_one_that_is_found_dead_while_another_is_served_does_no_harm(tmp_path: Path) -> None:
    """Both are ready in one turn of the loop; serving the first one drops the second."""
    path, wishes = tmp_path / "bfd.sock", list[Mapping[Hop, Profile]]()
    with selectors.DefaultSelector() as selector, socket.socket(socket.AF_UNIX) as living:
        server = ControlServer(path, selector, want=wishes.append, snapshot=lambda: encode_snapshot([UP]))
        dead = socket.socket(socket.AF_UNIX)
        for client_socket in (living, dead):
            client_socket.connect(str(path))
            turn(selector)
        living.send(encode_want({HOP: FAST}))
        dead.close()
        turn(selector)
        assert wishes == [{HOP: FAST}]
        server.close()


async def test_one_that_never_reads_is_disconnected_and_nobody_else(tmp_path: Path) -> None:
    heard: list[Status] = []
    with program(tmp_path / "bfd.sock") as running, socket.socket(socket.AF_UNIX) as deaf:
        async with client(tmp_path / "bfd.sock", heard) as made:
            await until(lambda: made.connected, 5)
            deaf.connect(str(tmp_path / "bfd.sock"))
            hung_up = select.poll()
            hung_up.register(deaf, select.POLLHUP)
            rounds = itertools.count()

            def told_until_it_hangs_up() -> bool:
                for _ in range(200):
                    running.tell(replace(UP, since=float(next(rounds))))
                return bool(hung_up.poll(0))

            await until(told_until_it_hangs_up, 20)
            down = replace(UP, state=State.DOWN)
            running.tell(down)
            await until(lambda: heard[-1] == down, 10)
            assert made.connected


@contextmanager
def stopped(path: Path) -> Iterator[Callable[[], Awaitable[socket.socket]]]:
    """A program that is stopped: the kernel takes connections for it, and what is written to them. Yields what takes one."""
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as taken:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)

        async def take() -> socket.socket:
            async with asyncio.timeout(5):
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            return taken.enter_context(connection)

        yield take


async def test_a_program_that_is_stopped_is_none_though_it_takes_connections(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bfd.sock"
    with stopped(path) as take:
        async with client(path, [], again_s=0.1, answer_s=0.2) as made:
            made.want({HOP: FAST})
            (await take()).send(encode_snapshot([UP], FACTS))  # the last that it says
            await until(lambda: made.connected, 5)
            await until(lambda: not made.connected, 5)
            for _ in range(2):
                await take()
            assert not made.connected
            assert made.absent_s(time.monotonic()) > RETRY_S
            assert made.statuses == {HOP: UP}
    assert caplog.text.count("no BFD program") == 1


async def test_what_a_stopped_program_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "bfd.sock"
    more_than_fits = {Hop(local=HOP.local, peer=HOP.peer + number): FAST for number in range(20_000)}
    with stopped(path) as take:
        async with client(path, [], again_s=0.1, answer_s=0.2) as made:
            made.want(more_than_fits)
            for _ in range(2):
                await take()
