"""At most one controller for a state directory: the holder of a lock (flock(2)) on a file in it.

The kernel lets go of the lock when the holder dies, whatever it dies of; one that waits takes over at once.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

log = logging.getLogger("herald.kube.directory")

LOCK_FILE = ".controller.lock"
RETRY_S = 0.1


class ControllerLock:
    """`async with ControllerLock(state): ...` waits on standby until no other controller holds the state directory.

    The directory is made if it is missing. Raises OSError.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / LOCK_FILE
        self._descriptor = -1

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        waited = False
        while not self._try():
            if not waited:
                log.info("standby: controller %s holds %s", _holder(self._path), self._path)
            waited = True
            await asyncio.sleep(RETRY_S)
        log.info("active: %s %s", "took over" if waited else "holds", self._path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        log.info("released %s", self._path)

    def _try(self) -> bool:
        """Takes the lock if it is free, and writes down who has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._is_in_place(descriptor):
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()} on {os.uname().nodename}\n".encode())
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _is_in_place(self, descriptor: int) -> bool:
        """Whether the file that we locked is the one that others will find: the directory may have been made anew."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        return False


def _holder(path: Path) -> str:
    """For people only."""
    with contextlib.suppress(OSError):
        return path.read_text().strip() or "unknown"
    return "unknown"
