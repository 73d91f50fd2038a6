"""One ExaBGP process: its private directory, its start, its pipes, its log, its end.

It knows nothing of routes: octets in, octets out. Everything that ends it resolves one future, `ended`, with the reason.
Invariants: the pipe of events is drained by a callback of the event loop that waits for nothing, since an ExaBGP that
cannot write its events stops keeping its session alive; a write never waits; when `stop` returns, the process is gone and
its directory, which holds the password, too.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import pwd
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from speaker.exabgp import launch, shim
from speaker.exabgp.config import environment, render
from speaker.session import SessionSpec

START_LIMIT_S: Final = 15.0
TERM_LIMIT_S: Final = 1.0
TERM_EVERY_S: Final = 0.25
POLL_S: Final = 0.01
LOG_END_S: Final = 0.5
PIPE_OCTETS: Final = 1 << 20
READ_OCTETS: Final = 1 << 18
LOG_LINES_KEPT: Final = 8

_PIPES: Final = ("events", "commands")

logger = logging.getLogger(__name__)


class Process:
    """From `start` to `stop`. `on_octets` gets ExaBGP's events, `on_log` its lines; both from the event loop's callbacks."""

    def __init__(
        self,
        spec: SessionSpec,
        *,
        exabgp: Path,
        directory: Path,
        on_octets: Callable[[bytes], None],
        on_log: Callable[[str], None],
    ) -> None:
        self._spec = spec
        self._exabgp = exabgp
        self._on_octets = on_octets
        self._on_log = on_log
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._directory = _private_directory(spec, directory)
        self._process: asyncio.subprocess.Process | None = None
        self._shim: socket.socket | None = None
        self._events = -1
        self._commands = -1
        self._unwritten = bytearray()
        self._last_lines: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        self._watchers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Returns when the pipes are here, or `ended` is resolved."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            path = self._directory / "api.sock"
            listener.setblocking(False)
            listener.bind(str(path))
            listener.listen(1)
            await self._spawn(path)
            accept = self._loop.create_task(self._accept(listener))
            either: tuple[asyncio.Future[Any], ...] = (accept, self.ended)
            try:
                await asyncio.wait(either, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                accept.cancel()
                (pipes,) = await asyncio.gather(accept, return_exceptions=True)
            if isinstance(pipes, asyncio.CancelledError):
                self.end(f"ExaBGP did not start its helper within {START_LIMIT_S:.0f} s")
            elif isinstance(pipes, BaseException):
                raise pipes
            else:
                # A second shim finds no socket and ends ExaBGP at once (shim.py).
                path.unlink()
                self._attach(*pipes)

    def write(self, octets: bytes) -> None:
        """Writes now what the pipe takes, the rest when it can."""
        if self._commands < 0 or not octets:
            return
        if not self._unwritten:
            octets = octets[self._write_some(octets) :]
            if octets:
                self._loop.add_writer(self._commands, self._writable)
        self._unwritten += octets

    def beat(self) -> None:
        """Tells the shim that the event loop runs."""
        if self._shim is not None:
            with contextlib.suppress(OSError):
                self._shim.send(b"\n")

    def end(self, why: str) -> None:
        """Resolves `ended`. The first reason holds."""
        if not self.ended.done():
            self.ended.set_result(why)

    async def stop(self) -> None:
        """Ends the process: SIGTERM, again and again since ExaBGP may lose one, then SIGKILL."""
        self.end("stopped")
        try:
            if self._process is not None:
                await _terminate(self._process)
        finally:
            # The helper ends with its connection, and with it the last one that may write to the log.
            self._detach()
            if self._watchers:
                _, late = await asyncio.wait(self._watchers, timeout=LOG_END_S)
                for task in late:
                    task.cancel()
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _spawn(self, socket_path: Path) -> None:
        helper = (Path(sys.executable), Path("-I"), Path("-S"), Path(shim.__file__), socket_path)
        config = self._directory / "exabgp.conf"
        config.touch(mode=0o600)
        config.write_text(render(self._spec, helper), encoding="ascii")
        command = (sys.executable, "-I", launch.__file__, str(self._exabgp), "server", str(config))
        self._process = await asyncio.create_subprocess_exec(
            *command,
            env=environment(self._spec, user=_user(), path=os.defpath),
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._watchers = {self._loop.create_task(self._read_log()), self._loop.create_task(self._watch())}

    async def _accept(self, listener: socket.socket) -> tuple[socket.socket, int, int]:
        connection, _ = await self._loop.sock_accept(listener)
        connection.setblocking(False)
        readable = asyncio.Event()
        self._loop.add_reader(connection, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(connection)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, len(_PIPES))
        if len(descriptors) != len(_PIPES):
            connection.close()
            raise ConnectionResetError(errno.ECONNRESET, "its helper did not hand over its pipes")
        events, commands = descriptors
        return connection, events, commands

    def _attach(self, connection: socket.socket, events: int, commands: int) -> None:
        self._shim, self._events, self._commands = connection, events, commands
        for descriptor in (events, commands):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # over the user's limit for pipes: the default size works too
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
        self.beat()
        self._loop.add_reader(events, self._readable)
        self._loop.add_reader(connection, self._shim_gone)

    def _detach(self) -> None:
        if self._shim is None:
            return
        self._loop.remove_reader(self._events)
        self._loop.remove_reader(self._shim)
        self._loop.remove_writer(self._commands)
        os.close(self._events)
        os.close(self._commands)
        self._shim.close()
        self._shim, self._events, self._commands = None, -1, -1

    def _readable(self) -> None:
        try:
            octets = os.read(self._events, READ_OCTETS)
        except BlockingIOError:
            return
        if octets:
            self._on_octets(octets)
        else:
            self._loop.remove_reader(self._events)
            self.end("ExaBGP closed its pipe")

    def _shim_gone(self) -> None:
        if self._shim is not None:
            self._loop.remove_reader(self._shim)
            self.end("the helper process of ExaBGP ended")

    def _writable(self) -> None:
        del self._unwritten[: self._write_some(self._unwritten)]
        if not self._unwritten:
            self._loop.remove_writer(self._commands)

    def _write_some(self, octets: bytes | bytearray) -> int:
        try:
            return os.write(self._commands, octets)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            self.end("ExaBGP does not read its commands any more")
            return len(octets)

    async def _watch(self) -> None:
        if self._process is not None:
            status = await self._process.wait()
            last = f": {self._last_lines[-1]}" if self._last_lines else ""
            if not self.ended.done():
                for line in self._last_lines:
                    logger.warning("exabgp of %s: %s", self._spec.label, line)
            self.end(f"ExaBGP exited with status {status}{last}")

    async def _read_log(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        partial = b""
        while octets := await self._process.stdout.read(1 << 16):
            *lines, partial = (partial + octets).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "backslashreplace").rstrip()
                self._last_lines.append(text)
                self._on_log(text)


def _private_directory(spec: SessionSpec, directory: Path) -> Path:
    """Mode 0700, as mkdtemp makes it. A colon would end a word for some readers of paths."""
    return Path(tempfile.mkdtemp(prefix=f"{spec.peer_address}-".replace(":", "_"), dir=directory))


def _user() -> str:
    """A user that /etc/passwd does not know is not root, so ExaBGP does not look it up."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


async def _terminate(process: asyncio.subprocess.Process) -> None:
    """Looks at the return code instead of `wait`, which also waits for whoever else holds the log's pipe: the helper."""
    begun = asked = time.monotonic()
    _signal(process, signal.SIGTERM)
    while process.returncode is None:
        await asyncio.sleep(POLL_S)
        now = time.monotonic()
        if now - asked > TERM_EVERY_S:
            asked = now
            _signal(process, signal.SIGTERM if now - begun < TERM_LIMIT_S else signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """SIGKILL goes to the whole process group."""
    with contextlib.suppress(ProcessLookupError):
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
