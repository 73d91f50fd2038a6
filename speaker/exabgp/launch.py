"""Runs ExaBGP with a few small corrections to its outgoing connections: `python -I launch.py EXABGP server CONFIG`.

A program of its own, outside the speaker's process: it imports ExaBGP, which nothing else here does. What it changes, in
the one version it knows:
- sockets: TCP_NODELAY, or the third UPDATE of a burst waits 45 ms for a delayed ACK; TCP_SYNCNT 1, or a peer that was
  unreachable for a minute is tried again only a minute after it answers; TCP_RTO_MAX_MS (Linux 6.15), or an UPDATE lost
  in an outage of 40 s, which a hold time of 90 s survives, is repeated only 11 s after its end; and TCP_USER_TIMEOUT, so
  that the kernel gives up no sooner than the hold timer.
- the pause between attempts: at most what the configuration says instead of 60 s.
- the pause after a session that was up: so long that the speaker, or the dead-man switch, has ended this ExaBGP before. It
  would connect within milliseconds, with routes that nobody decided for that session, and FRR 8.4 loses the BFD session of
  a neighbor that comes back within 60 ms.
- the keepalive time: what the configuration says, if that is less than a third of the negotiated hold time.
- a refused or timed out connect: ExaBGP takes it for a connection and fails later, without the reason. Here it is a
  failed attempt, and the reason is a line on stderr for the speaker (`CONNECT_FAILED`).
- a peer that reads nothing: ExaBGP asks without a pause whether it can write, a whole core until the hold timer expires.
  Here each question waits some milliseconds for the answer to become yes.
It never touches what is in a message. If ExaBGP's code is not the code it was made for, it says so and exits with `REFUSED`.
"""

import contextlib
import inspect
import os
import runpy
import select
import socket
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

VERSION = "5.0.15"
REFUSED = 70
CONNECT_FAILED = "herald: connect failed: "
PARENT_VARIABLE = "HERALD_EXABGP_PID"
HOLD_TIME_VARIABLE = "HERALD_HOLD_TIME_S"
KEEPALIVE_TIME_VARIABLE = "HERALD_KEEPALIVE_TIME_S"
CONNECT_RETRY_VARIABLE = "HERALD_CONNECT_RETRY_S"
WRITE_PAUSE_MS = 5
SYN_RETRIES = 1
TCP_RTO_MAX_MS = 44  # linux/tcp.h
RETRANSMIT_LIMIT_MS = 1000
LAST_PAUSE_S = 15
"""Longer than the dead-man switch (shim.py) waits, and kills."""


class Parts(NamedTuple):
    """ExaBGP's modules, or what holds their names, that are corrected, and its error for a connection that failed."""

    outgoing: ModuleType
    delay: ModuleType
    holdtime: ModuleType
    not_connected: type[Exception]


class Times(NamedTuple):
    """In seconds; 0: none, or not configured."""

    hold: int
    keepalive: int
    connect_retry: int

    @classmethod
    def of_environment(cls) -> "Times":
        variables = (HOLD_TIME_VARIABLE, KEEPALIVE_TIME_VARIABLE, CONNECT_RETRY_VARIABLE)
        return cls(*(int(os.environ.get(name, "0")) for name in variables))


_EXPECTED_SIGNATURES = {
    "create": "(afi, interface=None)",
    "ready": "(io)",
    "Outgoing._connect": "(self)",
    "Outgoing.writing": "(self)",
    "Delay.increase": "(self)",
    "Delay.reset": "(self)",
    "HoldTime.keepalive": "(self)",
}


def unexpected(version: str, parts: Parts) -> list[str]:
    """What in ExaBGP's modules is not what these corrections were written for."""
    outgoing, delay = parts.outgoing, parts.delay
    found = {
        "create": outgoing.create,
        "ready": outgoing.ready,
        "Outgoing._connect": outgoing.Outgoing._connect,  # noqa: SLF001 -- the point that is corrected
        "Outgoing.writing": outgoing.Outgoing.writing,
        "Delay.increase": delay.Delay.increase,
        "Delay.reset": delay.Delay.reset,
        "HoldTime.keepalive": parts.holdtime.HoldTime.keepalive,
    }
    problems = [] if version == VERSION else [f"version is {version}, not {VERSION}"]
    for name, expected in _EXPECTED_SIGNATURES.items():
        signature = str(inspect.signature(found[name]))
        if signature != expected:
            problems.append(f"{name}{signature} is not {name}{expected}")
    if not hasattr(delay.Delay(), "_next"):
        problems.append("Delay has no _next")
    return problems


class _Reporter:
    """Says why an attempt failed, once per reason in a row."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, why: str) -> None:
        if why != self._last:
            self._last = why
            print(f"{CONNECT_FAILED}{why}", file=sys.stderr, flush=True)  # noqa: T201 -- read by the speaker


def prepare(io: socket.socket, hold_time_s: int) -> None:
    """Sets the options of a socket that is going to connect."""
    io.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    io.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, SYN_RETRIES)
    if hold_time_s:
        with contextlib.suppress(OSError):  # an older kernel
            io.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, RETRANSMIT_LIMIT_MS)
            io.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, hold_time_s * 1000)


def correct(parts: Parts, times: Times) -> None:
    """Puts the corrections in place."""
    _correct_connections(parts.outgoing, parts.not_connected, times.hold)
    _correct_times(parts, times)


def _correct_connections(outgoing: ModuleType, not_connected: type[Exception], hold_time_s: int) -> None:
    report = _Reporter()
    create, connect = outgoing.create, outgoing.Outgoing._connect  # noqa: SLF001
    can_write = outgoing.Outgoing.writing

    def create_socket(afi: int, interface: str | None = None) -> socket.socket:
        io: socket.socket = create(afi, interface)
        prepare(io, hold_time_s)
        return io

    def start_connect(connection: Any) -> None:  # noqa: ANN401 -- ExaBGP's class, untyped
        issue = connect(connection)
        if issue is not None:
            report(str(issue))
            raise not_connected(str(issue))

    def ready(io: socket.socket) -> Iterator[tuple[bool, str]]:
        poller = select.poll()
        poller.register(io, select.POLLOUT)
        while not poller.poll(0):
            yield False, "waiting for the peer"
        problem = io.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            report(os.strerror(problem))
            raise not_connected(os.strerror(problem))
        yield True, "connection established"

    def writing(connection: Any) -> bool:  # noqa: ANN401 -- ExaBGP's class, untyped
        if can_write(connection):
            return True
        poller = select.poll()
        poller.register(connection.io, select.POLLOUT)
        return bool(poller.poll(WRITE_PAUSE_MS)) and bool(can_write(connection))

    outgoing.create = create_socket  # type: ignore[attr-defined]
    outgoing.ready = ready  # type: ignore[attr-defined]
    outgoing.Outgoing._connect = start_connect  # noqa: SLF001
    outgoing.Outgoing.writing = writing


def _correct_times(parts: Parts, times: Times) -> None:
    increase, reset, third = parts.delay.Delay.increase, parts.delay.Delay.reset, parts.holdtime.HoldTime.keepalive

    def pause_longer(self: Any) -> None:  # noqa: ANN401 -- ExaBGP's class, untyped
        increase(self)
        self._next = min(self._next, times.connect_retry or 1)

    def pause_last(self: Any) -> None:  # noqa: ANN401 -- ExaBGP's class, untyped
        """When a session is up: the pause that follows its end."""
        reset(self)
        self._next = LAST_PAUSE_S

    def keepalive(self: Any) -> int:  # noqa: ANN401 -- ExaBGP's class, untyped
        longest: int = third(self)
        return min(longest, times.keepalive or longest)

    parts.delay.Delay.increase = pause_longer
    parts.delay.Delay.reset = pause_last
    parts.holdtime.HoldTime.keepalive = keepalive


def main(program: str, arguments: list[str]) -> None:
    # ExaBGP finds its root from argv at import time.
    sys.argv = [program, *arguments]
    from exabgp.bgp.message.open import holdtime  # type: ignore[import-untyped]  # noqa: PLC0415
    from exabgp.reactor import delay  # type: ignore[import-untyped]  # noqa: PLC0415
    from exabgp.reactor.network import outgoing  # type: ignore[import-untyped]  # noqa: PLC0415
    from exabgp.reactor.network.error import NotConnected  # type: ignore[import-untyped]  # noqa: PLC0415
    from exabgp.version import release  # type: ignore[import-untyped]  # noqa: PLC0415

    parts = Parts(outgoing, delay, holdtime, NotConnected)
    problems = unexpected(release, parts)
    if problems:
        print(f"herald: this is not the ExaBGP that Herald knows: {'; '.join(problems)}", file=sys.stderr)  # noqa: T201
        sys.exit(REFUSED)
    correct(parts, Times.of_environment())
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
