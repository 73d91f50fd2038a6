"""The speaker's end of the control socket: says which sessions it wants, hears how they are.

    client = BfdClient(path, on_status)     # on_status(Status): each change, and on connect what is news
    tasks.create_task(client.run())         # for ever: connects again and again
    client.want({hop: profile, ...})        # all of them, each time; never waits

Before the first `want` nothing is said, so that a speaker that has just started leaves sessions as they are. While the
program is away the last statuses stand: no evidence is no change. One that is stopped still takes connections: it is
there only while it answers.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from herald.program.logs import fields
from speaker.bfd import messages
from speaker.bfd.messages import ProgramFacts, Snapshot, StateChange
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status

log = logging.getLogger(__name__)

RETRY_S = 0.5
AGAIN_S = 15.0
ANSWER_S = 5.0
"""A program that owes a snapshot for so long is disconnected; one that is stopped is found out in both times together."""


class BfdClient:
    """One owner: the speaker's loop, which also runs `on_status`. `connected`: there is a program, and it answers."""

    def __init__(
        self, path: Path, on_status: Callable[[Status], None], *, again_s: float = AGAIN_S, answer_s: float = ANSWER_S
    ) -> None:
        self._path = path
        self._on_status = on_status
        self._again_s = again_s
        self._answer_s = answer_s
        self._wanted: Mapping[Hop, Profile] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answer_due: float | None = None
        self._absent_since = time.monotonic()
        self._has_told = False
        self.connected = False
        self.statuses: dict[Hop, Status] = {}
        self.program: ProgramFacts | None = None

    def absent_s(self, now: float) -> float:
        """For how long there has been no program to talk to; 0 while there is one."""
        return 0.0 if self.connected else now - self._absent_since

    def want(self, wanted: Mapping[Hop, Profile]) -> None:
        """From now on these sessions and no others; said again to every new program."""
        if wanted != self._wanted:
            self._wanted = dict(wanted)
            self._say()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._converse()
            except (OSError, messages.MessageError, asyncio.LimitOverrunError, ValueError) as error:
                if not self._has_told and self._wanted:
                    log.warning("no BFD program: BGP goes on without it", extra=fields(path=self._path, error=error))
                self._has_told = bool(self._wanted)
            await asyncio.sleep(RETRY_S)

    async def _converse(self) -> None:
        """Until the program closes. Raises TimeoutError for one that does not answer."""
        reader, writer = await asyncio.open_unix_connection(str(self._path), limit=messages.MAX_LINE)
        self._writer = writer
        try:
            self._await_answer()  # it tells how things are without being asked
            self._say()
            while line := await self._next_line(reader):
                self._hear(line)
        finally:
            self._writer = self._answer_due = None
            if self.connected:
                self.connected, self._absent_since = False, time.monotonic()
            writer.transport.abort()  # what it does not read is not waited for
            with suppress(OSError):
                await writer.wait_closed()

    async def _next_line(self, reader: asyncio.StreamReader) -> bytes:
        """Empty at the end. All is said again every now and then: the answer has the program's counts."""
        while True:
            try:
                async with asyncio.timeout_at(self._answer_due or time.monotonic() + self._again_s):
                    return await reader.readline()
            except TimeoutError:
                if self._answer_due is None:
                    self._say()
                elif self._answer_due <= time.monotonic():
                    raise TimeoutError(f"no answer within {self._answer_s:g} s") from None

    def _say(self) -> None:
        if self._writer is not None and self._wanted is not None:
            self._writer.write(messages.encode_want(self._wanted))
            self._await_answer()

    def _await_answer(self) -> None:
        """The oldest question that has none counts."""
        if self._answer_due is None:
            self._answer_due = time.monotonic() + self._answer_s

    def _hear(self, line: bytes) -> None:
        match messages.decode_event(line):
            case Snapshot(statuses, program):
                self._answered()
                self.program = program
                there = {status.hop for status in statuses}
                self.statuses = {hop: status for hop, status in self.statuses.items() if hop in there}
                self._learn(statuses)
            case StateChange(status):
                self._learn([status])

    def _answered(self) -> None:
        self._answer_due = None
        if not self.connected:
            self.connected, self._has_told = True, False
            log.info("connected to the BFD program", extra=fields(path=self._path))

    def _learn(self, statuses: Iterable[Status]) -> None:
        for status in statuses:
            if self.statuses.get(status.hop) != status:
                self.statuses[status.hop] = status
                self._on_status(status)
