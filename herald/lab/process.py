"""A program in a namespace of the lab: started there with the process id of the program itself, watched, signalled."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from herald.lab.namespace import NAMESPACES


@dataclass(slots=True, kw_only=True)
class Process:
    """A running (or ended) program. Its output is in `log`."""

    name: str
    log: Path
    _popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Nothing happens if it has ended."""
        self._popen.send_signal(number)

    def terminate(self) -> None:
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP: it exists and does nothing."""
        self.signal(signal.SIGSTOP)

    def cont(self) -> None:
        self.signal(signal.SIGCONT)

    async def wait(self, timeout_s: float) -> int:
        """Its return code, once it ended. TimeoutError if it does not in time."""
        if self._popen.poll() is not None:
            return self._popen.wait()
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        handle = os.pidfd_open(self.pid)
        loop.add_reader(handle, ended.set)
        try:
            async with asyncio.timeout(timeout_s):
                await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
        return self._popen.wait()

    async def end(self, grace_s: float = 5.0) -> int:
        """SIGTERM, and SIGKILL when that does not do within `grace_s`."""
        self.terminate()
        try:
            return await self.wait(grace_s)
        except TimeoutError:
            self.kill()
            return await self.wait(grace_s)

    def reap(self) -> None:
        """Takes note of its end. Only for one that was killed: it blocks until then."""
        self._popen.wait()

    def output(self) -> str:
        return self.log.read_text(errors="replace")


def threads(pid: int) -> list[int]:
    """The kernel's ids of the process's threads."""
    return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]


def start(
    namespace: str | None, argv: Sequence[str], *, name: str, log: Path, env: Mapping[str, str] | None = None
) -> Process:
    """Starts the program in a session of its own, so that a Ctrl-C in the terminal is ours to handle.

    Without a namespace it runs in that of this process. A lab ends all that is in its namespaces, whatever ended its
    owner; such a program is told by the kernel instead, when the thread that started it is gone.
    """
    if namespace is None:
        where = ["setpriv", "--pdeathsig", "KILL", "--"]
    else:
        where = ["nsenter", f"--net={NAMESPACES / namespace}", "--"]
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [*where, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    return Process(name=name, log=log, _popen=popen)
