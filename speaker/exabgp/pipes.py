"""The two pipes to one ExaBGP and the connection to its helper, once the helper has handed them over.

Invariants: the pipe of events is drained by a callback of the event loop that waits for nothing, since an ExaBGP that
cannot write its events stops keeping its session alive; a write never waits.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Callable
from typing import Final, Self

PIPE_OCTETS: Final = 1 << 20
READ_OCTETS: Final = 1 << 18
HANDED_OVER: Final = 2


class Pipes:
    """Owns its descriptors from now until `close`. Reads from `start` on."""

    def __init__(self, helper: socket.socket, events: int, commands: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._helper, self._events, self._commands = helper, events, commands
        self._unwritten = bytearray()
        for descriptor in (events, commands):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # over the user's limit for pipes: the default size works too
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
        self.beat()

    @classmethod
    async def accept(cls, listener: socket.socket) -> Self:
        """Waits for the helper. OSError if it hands over nothing."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        helper, _ = await loop.sock_accept(listener)
        loop.add_reader(helper, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(helper)
        _, descriptors, _, _ = socket.recv_fds(helper, 1, HANDED_OVER)
        if len(descriptors) != HANDED_OVER:
            helper.close()
            raise ConnectionResetError(errno.ECONNRESET, "its helper did not hand over its pipes")
        events, commands = descriptors
        return cls(helper, events, commands)

    def start(self, on_octets: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        """`on_end` gets why the pipes are of no use any more, maybe more than once."""
        self._on_octets, self._on_end = on_octets, on_end
        self._loop.add_reader(self._events, self._readable)
        self._loop.add_reader(self._helper, self._helper_ended)

    def write(self, octets: bytes) -> None:
        """Writes now what the pipe takes, the rest when it can."""
        if not octets:
            return
        if not self._unwritten:
            octets = octets[self._write_some(octets) :]
            if octets:
                self._loop.add_writer(self._commands, self._writable)
        self._unwritten += octets

    def beat(self) -> None:
        """Tells the helper that the event loop runs."""
        with contextlib.suppress(OSError):
            self._helper.send(b"\n")

    def close(self) -> None:
        self._loop.remove_reader(self._events)
        self._loop.remove_reader(self._helper)
        self._loop.remove_writer(self._commands)
        os.close(self._events)
        os.close(self._commands)
        self._helper.close()

    def _readable(self) -> None:
        try:
            octets = os.read(self._events, READ_OCTETS)
        except BlockingIOError:
            return
        if octets:
            self._on_octets(octets)
        else:
            self._loop.remove_reader(self._events)
            self._on_end("ExaBGP closed its pipe")

    def _helper_ended(self) -> None:
        self._loop.remove_reader(self._helper)
        self._on_end("the helper process of ExaBGP ended")

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
            self._on_end("ExaBGP does not read its commands any more")
            return len(octets)
