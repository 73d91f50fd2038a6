"""One ExaBGP process: its private directory, its start, its log, its end.

It knows nothing of routes: octets in, octets out. Everything that ends it resolves one future, `ended`, with the reason.
Invariant: when `stop` returns, the process is gone and its directory, which holds the password, too.
"""

import asyncio
import contextlib
import logging
import os
import pwd
import re
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
from speaker.exabgp.pipes import Pipes
from speaker.session import SessionSpec

START_LIMIT_S: Final = 15.0
TERM_LIMIT_S: Final = 1.0
TERM_EVERY_S: Final = 0.25
POLL_S: Final = 0.01
LOG_END_S: Final = 0.5
LOG_LINES_KEPT: Final = 8
PASSWORD: Final = re.compile(r"(md5[-_]password)\b.*")
"""ExaBGP quotes what it cannot read in its configuration."""

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
        self._pipes: Pipes | None = None
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
            accept = self._loop.create_task(Pipes.accept(listener))
            either: tuple[asyncio.Future[Any], ...] = (accept, self.ended)
            try:
                await asyncio.wait(either, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                accept.cancel()
                (result,) = await asyncio.gather(accept, return_exceptions=True)
                self._pipes = result if isinstance(result, Pipes) else None
            # A second helper finds no socket and ends ExaBGP at once (shim.py).
            path.unlink()
        if self._pipes is not None:
            self._pipes.start(self._on_octets, self.end)
        elif isinstance(result, OSError):
            raise result
        else:
            self.end(f"ExaBGP did not start its helper within {START_LIMIT_S:.0f} s")

    def write(self, octets: bytes) -> None:
        """Nothing happens once it is over."""
        if self._pipes is not None:
            self._pipes.write(octets)

    def beat(self) -> None:
        """Tells the dead-man switch that the event loop runs."""
        if self._pipes is not None:
            self._pipes.beat()

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
            if self._pipes is not None:
                self._pipes.close()
                self._pipes = None
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
                text = PASSWORD.sub(r"\1 ...", line.decode("utf-8", "backslashreplace").rstrip())
                self._last_lines.append(text)
                self._on_log(text)


def _private_directory(spec: SessionSpec, directory: Path) -> Path:
    """Mode 0700, as mkdtemp makes it. A colon would end a word for some readers of paths."""
    return Path(tempfile.mkdtemp(prefix=f"{spec.peer_address}-".replace(":", "_"), dir=directory))


def _user() -> str:
    """Our user, so that ExaBGP stays it. In a container it may have no name, and ExaBGP refuses one that is not in
    /etc/passwd; which one that is does not matter then, since whoever is not root cannot become another.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return pwd.getpwuid(0).pw_name


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
