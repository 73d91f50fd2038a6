"""One speaker per network namespace: the lock is an abstract Unix socket, which the kernel frees with its process."""

import socket
from types import TracebackType
from typing import Self

ADDRESS = "\0herald-speaker"


class AnotherSpeakerError(Exception):
    """The outside's error: another speaker of this network namespace is alive. It may end; try again."""


class SpeakerLock:
    """Held from construction until `release`. Taken before the first ExaBGP is started, kept until the last has ended.

    No child process inherits it (Python's sockets close on exec).
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(ADDRESS)
        except OSError as error:
            self._socket.close()
            raise AnotherSpeakerError("another speaker runs in this network namespace (@herald-speaker)") from error

    def release(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
