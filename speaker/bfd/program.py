"""`herald bfd`: keeps the sessions that the speaker wants, in a process of its own, so that they outlive the speaker's.

One thread and one loop without asyncio. Its order is the point: what had arrived when the loop woke is received before
any timer is looked at, so that a late wake-up is never taken for a silent peer.
"""

import errno
import logging
import logging.handlers
import queue
import signal
import socket
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import SystemRandom
from selectors import EVENT_READ, DefaultSelector
from types import FrameType

from bgp_config.names import Family
from herald.program.logs import fields
from speaker.bfd.control import ControlServer
from speaker.bfd.messages import SOCKET_NAME, ProgramFacts, encode_snapshot
from speaker.bfd.packet import Diag, Discard
from speaker.bfd.profile import Profile
from speaker.bfd.realtime import Punctuality, become_punctual
from speaker.bfd.sessions import Sessions
from speaker.bfd.status import Hop, Status
from speaker.bfd.udp import PORT, Receiver, UdpTransmitter
from speaker.runtime_dir import prepare

log = logging.getLogger(__name__)

BATCH = 256
"""Datagrams that are received before the timers get their turn."""
PENDING_LOG_LINES = 1000


class AnotherBfdError(Exception):
    """The outside's error: port 3784 is taken in this network namespace."""


class BfdProgram:
    """Made, then `run` once. Raises AnotherBfdError when another program has the port, and RuntimeDirError."""

    def __init__(self, runtime_dir: Path) -> None:
        prepare(runtime_dir)
        random = SystemRandom()
        self._receivers = _receivers()
        self._selector = DefaultSelector()
        self._stopping = False
        self._sessions = Sessions(random=random, transmitter=lambda hop: UdpTransmitter(hop, random), changed=self._changed)
        self._punctuality = Punctuality(is_real_time=False, is_memory_locked=False)
        self._discards: Counter[Discard] = Counter()
        self._control = ControlServer(runtime_dir / SOCKET_NAME, self._selector, want=self._want, snapshot=self._snapshot)

    def run(self) -> None:
        """Until SIGTERM or SIGINT; then every peer is told that it is on purpose."""
        for receiver in self._receivers:
            self._selector.register(receiver.socket, EVENT_READ, None)
        self._end_on_signals()
        self._punctuality = become_punctual()
        writer = _log_from_another_thread()
        try:
            while not self._stopping:
                self._turn()
            self._sessions.disable_all(time.monotonic())
            self._control.close()
        finally:
            writer.stop()

    def _turn(self) -> None:
        deadline = self._sessions.deadline
        wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = self._selector.select(wait_s)
        now = time.monotonic()
        for receiver in self._receivers:
            for datagram in receiver.drain(BATCH):
                if discard := self._sessions.receive(datagram, now):
                    self._discards[discard] += 1
        self._sessions.advance(now)
        for key, _ in ready:
            if key.data is not None:
                key.data()

    def _snapshot(self) -> bytes:
        facts = ProgramFacts(
            is_real_time=self._punctuality.is_real_time,
            is_memory_locked=self._punctuality.is_memory_locked,
            discards={discard.value: count for discard, count in self._discards.items()},
        )
        return encode_snapshot(self._sessions.statuses(), facts)

    def _want(self, wanted: Mapping[Hop, Profile]) -> None:
        self._sessions.want(wanted, time.monotonic())

    def _changed(self, status: Status) -> None:
        self._control.tell(status)
        names = {"state": status.state.name, "remote_state": status.remote_state.name}
        log.info("session", extra=fields(session=status.hop, **names, diag=_diag(status.diag), since=status.since))

    def _end_on_signals(self) -> None:
        """A signal alone does not end the wait for sockets; the byte that Python writes for it does."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        self._selector.register(woken, EVENT_READ, lambda: woken.recv(1))
        signal.set_wakeup_fd(wake.fileno())
        self._wake = wake, woken
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._stopping = True


def _receivers() -> list[Receiver]:
    """One per family that this machine has."""
    receivers = []
    for family in Family:
        try:
            receivers.append(Receiver(family))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AnotherBfdError(f"UDP port {PORT} is taken in this network namespace") from error
            log.warning("a family is not to be had", extra=fields(family=family.name, error=error))
    return receivers


def _log_from_another_thread() -> logging.handlers.QueueListener:
    """A log that nobody reads must not hold up the loop: lines beyond a thousand are lost.

    Started after the scheduling is set, the thread has the same; so it never keeps the loop waiting for the interpreter.
    """
    root = logging.getLogger()
    lines: queue.Queue[logging.LogRecord] = queue.Queue(PENDING_LOG_LINES)
    listener = logging.handlers.QueueListener(lines, *root.handlers)
    root.handlers = [_DroppingHandler(lines)]
    listener.start()
    return listener


class _DroppingHandler(logging.handlers.QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


def _diag(number: int) -> str:
    return Diag(number).name if number in set(Diag) else str(number)
