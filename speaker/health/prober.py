"""Probes endpoints, each at its interval: thousands a second for little, on one epoll of its own within the loop.

- Of an endpoint there is one probe at a time, of all at most LIMIT; others wait for their turn, in order.
- Jitter only ever shortens an interval, so that a hung process is found within interval x fall + timeout.
- The time in which this program itself did not look (a loop that was busy) counts against nobody.
"""

import asyncio
import random
import select
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import NoReturn

from speaker.health.connection import Connection, Question
from speaker.health.dialogue import Outcome, tls_context
from speaker.health.targets import EndpointKey, Target

LIMIT = 512
TICK_S = 0.01
"""What is due within it is done together."""
IDLE_S = 0.25
"""When it is looked at the latest."""
STALL_S = 0.1
"""A look that comes so late is the fault of this program."""
JITTER = 0.1
FIRST_S = 1.0
"""New targets are first asked within it, or within their interval."""
HEARING = select.EPOLLIN | select.EPOLLET
SENDING = HEARING | select.EPOLLOUT


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe's end. `at`: time.monotonic()."""

    endpoint: EndpointKey
    outcome: Outcome
    took_s: float
    at: float


class _Job:
    """One target. It is in the heap or waits for its turn: to be asked, or if it `is_asked`, for the time to be over."""

    __slots__ = ("connection", "is_asked", "is_wanted", "key", "lost_s", "question", "started_at", "target")

    def __init__(self, key: EndpointKey, target: Target) -> None:
        self.key, self.target, self.question = key, target, Question.of(target)
        self.connection: Connection | None = None
        self.is_wanted, self.is_asked = True, False
        self.started_at = self.lost_s = 0.0

    def next_at(self, now: float) -> float:
        """When to ask again."""
        jitter = random.uniform(1 - JITTER, 1)  # noqa: S311 -- not for secrets
        return max(now, self.started_at + self.target.check.interval_s * jitter)


class Prober:
    """One owner: the witness. `on_answer` is called in the loop's thread."""

    def __init__(self, on_answer: Callable[[Answer], None]) -> None:
        self._on_answer = on_answer
        self._jobs: dict[EndpointKey, _Job] = {}
        self._heap: list[tuple[float, int, _Job]] = []
        self._waiting: deque[_Job] = deque()
        self._numbers = count()
        self._in_flight: dict[int, _Job] = {}
        self._context = tls_context()
        self._wanted = asyncio.Event()
        self._lost_s = 0.0

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def watch(self, key: EndpointKey, target: Target) -> None:
        """From now on it is asked this. Nothing happens if it is already."""
        job = self._jobs.get(key)
        if job and job.target == target:
            return
        self.forget(key)
        self._jobs[key] = job = _Job(key, target)
        first_s = random.uniform(0, min(target.check.interval_s, FIRST_S))  # noqa: S311 -- not for secrets
        self._push(time.monotonic() + first_s, job)
        self._wanted.set()

    def forget(self, key: EndpointKey) -> None:
        """It is asked no more, and not heard any more."""
        if job := self._jobs.pop(key, None):
            job.is_wanted = False
            self._hang_up(job)

    async def run(self) -> NoReturn:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        with select.epoll() as self._epoll:
            loop.add_reader(self._epoll.fileno(), self._hear)
            try:
                while True:
                    if not self._heap and not self._waiting:
                        self._wanted.clear()
                        await self._wanted.wait()
                    look_at = self._look_at(time.monotonic())
                    await asyncio.sleep(look_at - time.monotonic())
                    self._look(time.monotonic(), look_at)
            finally:
                loop.remove_reader(self._epoll.fileno())
                for job in [*self._in_flight.values()]:
                    self._hang_up(job)

    def _look_at(self, now: float) -> float:
        due_at = now if self._waiting else self._heap[0][0]
        return min(max(due_at, now + TICK_S), now + IDLE_S)

    def _look(self, now: float, should_be: float) -> None:
        """What was answered counts before what is late."""
        self._hear()
        if now - should_be > STALL_S:
            self._lost_s += now - should_be
        while self._heap and self._heap[0][0] <= now:
            job = heappop(self._heap)[2]
            if not job.is_wanted:
                continue
            if job.is_asked:
                self._is_late(job, now)
            else:
                self._waiting.append(job)
        while self._waiting and len(self._in_flight) < LIMIT:
            if (job := self._waiting.popleft()).is_wanted:
                self._begin(job)

    def _is_late(self, job: _Job, now: float) -> None:
        """The time for an answer is over, unless some of it was lost."""
        lost_s, job.lost_s = self._lost_s - job.lost_s, self._lost_s
        if job.connection and lost_s:
            self._push(now + min(lost_s, job.target.check.timeout_s), job)
            return
        if job.connection:
            self._end(job, Outcome.TIMED_OUT)
        job.is_asked = False
        self._push(job.next_at(now), job)

    def _begin(self, job: _Job) -> None:
        job.is_asked, job.started_at, job.lost_s = True, time.monotonic(), self._lost_s
        self._push(job.started_at + job.target.check.timeout_s, job)
        try:
            job.connection = connection = Connection(job.question, self._context)
            outcome = connection.open()
        except (OSError, ValueError):
            outcome = Outcome.NOT_ASKED
        if outcome:
            self._end(job, outcome)
            return
        self._in_flight[connection.fileno()] = job
        self._epoll.register(connection.fileno(), SENDING if connection.waits_to_send else HEARING)

    def _hear(self) -> None:
        for fileno, _ in self._epoll.poll(0):
            job = self._in_flight.get(fileno)
            if job and job.connection and (outcome := job.connection.go_on()):
                self._end(job, outcome)

    def _end(self, job: _Job, outcome: Outcome) -> None:
        self._hang_up(job)
        at = time.monotonic()
        self._on_answer(Answer(job.key, outcome, at - job.started_at, at))

    def _hang_up(self, job: _Job) -> None:
        """The kernel takes a closed socket out of the epoll."""
        if job.connection:
            self._in_flight.pop(job.connection.fileno(), None)
            job.connection.close()
            job.connection = None

    def _push(self, at: float, job: _Job) -> None:
        heappush(self._heap, (at, next(self._numbers), job))
