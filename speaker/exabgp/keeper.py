"""Keeps one session: one ExaBGP process after the other, each given all that is desired.

A process never outlives its session: when a session that was up goes down, its ExaBGP is ended and a new one started, which
knows nothing, so that what is programmed always starts from nothing. Only its owner (the engine) calls it; it shares nothing
with the keepers of other sessions, so a peer that stalls delays no other.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from bgp_config.names import Prefix
from speaker.exabgp.driver import Driver, Output, Remark
from speaker.exabgp.launch import CONNECT_FAILED
from speaker.exabgp.pauses import Pauses, Refusal, Refusals
from speaker.exabgp.process import Process
from speaker.exabgp.why import explain_connect
from speaker.route import PathAttributes
from speaker.session import Closed, Ended, Ending, Established, SessionEvent, SessionSpec

HEARTBEAT_S: Final = 1.0
WITHDRAW_LIMIT_S: Final = 2.0
WITHOUT_SESSION_LIMIT_S: Final = 60.0
"""A process that did not get a session for so long is replaced: it costs little and heals what nobody thought of."""

logger = logging.getLogger(__name__)


class Keeper:
    """From `run` until `close`. `finished` is set when nothing of this session is left."""

    def __init__(
        self,
        spec: SessionSpec,
        routes: Mapping[Prefix, PathAttributes],
        *,
        exabgp: Path,
        directory: Path,
        on_event: Callable[[SessionEvent], None],
        predecessors: Collection[asyncio.Event],
        refusals: Refusals,
        alive: Callable[[], bool],
    ) -> None:
        self._spec = spec
        self._exabgp = exabgp
        self._directory = directory
        self._on_event = on_event
        self._predecessors = predecessors
        self._alive = alive
        self._driver = Driver(spec, routes)
        self._process: Process | None = None
        self._closing = asyncio.Event()
        self._is_up = False
        self._last_why: str | None = None
        self._refusals = refusals
        self._pauses = Pauses(refusals.of(spec.endpoints).count)
        self._error: tuple[int, int] | None = None
        self.finished = asyncio.Event()

    async def run(self) -> None:
        """Returns after `close`. `predecessors` had the same end points: the peer would take two of them for a collision."""
        try:
            for predecessor in self._predecessors:
                await predecessor.wait()
            await self._pause(self._refusals.of(self._spec.endpoints).until - time.monotonic())
            while not self._closing.is_set():
                if not self._alive():  # whoever decides is stuck: no process would be told what is right
                    await self._pause(HEARTBEAT_S)
                    continue
                begun, self._error = time.monotonic(), None
                await self._live()
                pause_s = self._pauses.after(time.monotonic() - begun, self._error)
                pause_s *= random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, no secret
                self._refusals.note(self._spec.endpoints, Refusal(self._pauses.refusals, time.monotonic() + pause_s))
                await self._pause(pause_s)
        finally:
            self.finished.set()
        self._on_event(Ended(self._spec, time.monotonic()))

    @property
    def outlives_restart(self) -> bool:
        """Whether the peer keeps our routes when this session is lost."""
        return self._driver.outlives_restart

    def apply(self, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        if not self._closing.is_set():
            self._driver.want(changes)
            self._write()

    def close(self, ending: Ending) -> None:
        """Ends the session, bounded in time."""
        self._closing.set()
        if self._process is None:
            return
        if ending is Ending.ABRUPT or (ending is Ending.RESTART and self.outlives_restart):
            self._process.end("closed by us")
            return
        self._driver.want_nothing()
        self._write()
        self._end_if_silent()
        asyncio.get_running_loop().call_later(WITHDRAW_LIMIT_S, self._process.end, "closed by us, withdrawal unconfirmed")

    async def _live(self) -> None:
        """One process from start to end."""
        try:
            self._process = Process(
                self._spec,
                exabgp=self._exabgp,
                directory=self._directory,
                on_octets=self._receive,
                on_log=self._log,
            )
            why = await self._lead(self._process)
        except OSError as error:  # no memory, no processes, no space: it may heal, and other sessions live on
            why = f"ExaBGP cannot be started: {error.strerror}"
        self._emit(Closed(self._spec, time.monotonic(), why))

    async def _lead(self, process: Process) -> str:
        """Why it ended. Its successor's driver begins with the same desired routes and knows nothing else."""
        heart = asyncio.get_running_loop().create_task(self._beat(process))
        try:
            await process.start()
            return await process.ended
        finally:
            heart.cancel()
            self._process = None
            await process.stop()
            self._driver = Driver(self._spec, self._driver.desired)

    async def _beat(self, process: Process) -> None:
        begun = time.monotonic()
        while True:
            if self._alive():
                process.beat()
            now = time.monotonic()
            if self._driver.stalled(now):
                process.end("ExaBGP does not report what it was told to send")
            if not self._driver.is_up and now - begun > WITHOUT_SESSION_LIMIT_S:
                process.end(self._last_why or "no session")
            await asyncio.sleep(HEARTBEAT_S)

    async def _pause(self, pause_s: float) -> None:
        if pause_s > 0:
            try:
                async with asyncio.timeout(pause_s):
                    await self._closing.wait()
            except TimeoutError:
                pass

    def _receive(self, octets: bytes) -> None:
        for output in self._driver.receive(octets, time.monotonic()):
            self._emit(output)
        self._write()
        if self._process is not None and self._driver.over is not None:
            self._process.end(self._driver.over)
        self._end_if_silent()

    def _write(self) -> None:
        if self._process is not None:
            self._process.write(self._driver.take(time.monotonic()))

    def _end_if_silent(self) -> None:
        if self._closing.is_set() and self._process is not None and self._driver.says_nothing:
            self._process.end("closed by us")

    def _emit(self, output: Output) -> None:
        match output:
            case Remark(text):
                logger.warning("%s: %s", self._spec.label, text)
                return
            case Established():
                self._is_up, self._last_why = True, None
            case Closed(why=why, error=error):
                self._error = error or self._error
                if self._pauses.is_refused and self._process is not None:
                    self._process.end(why)
                if not self._is_up and why == self._last_why:
                    return
                self._is_up, self._last_why = False, why
        self._on_event(output)

    def _log(self, text: str) -> None:
        logger.debug("exabgp of %s: %s", self._spec.label, text)
        if text.startswith(CONNECT_FAILED):
            why = explain_connect(text.removeprefix(CONNECT_FAILED), has_password=self._spec.password is not None)
            self._emit(Closed(self._spec, time.monotonic(), why))
