"""Plays a schedule on a running deployment, and looks all the time, until it is over or the first invariant is broken.

One task does the faults, each in its time; others look. All share one event loop, so that what a look is judged by is the
history of that very moment. A route that is not as it must be must be so in two looks: a kernel is read while it changes.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from herald.lab.chaos import invariants, watch
from herald.lab.chaos.acts import act
from herald.lab.chaos.faults import Fault
from herald.lab.chaos.growth import Windows, growth
from herald.lab.chaos.history import History
from herald.lab.chaos.observation import Usage, Violation, Vips
from herald.lab.chaos.stage import Stage
from herald.lab.command import LabError

ROUTES_EVERY_S = 0.2
SESSIONS_EVERY_S = 1.0
USAGE_EVERY_S = 2.0
AFTERMATH_S = 2.0
"""What is broken shows in more than one place; the play goes on for so long after the first."""


class BrokenError(Exception):
    """Invariants did not hold: the first one, and what was seen shortly after it."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = tuple(violations)


@dataclass(slots=True, kw_only=True)
class Chaos:
    """`say` gets each line of the timeline as it happens."""

    stage: Stage
    windows: Windows = field(default_factory=Windows)
    say: Callable[[str], None] = print
    timeline: list[str] = field(default_factory=list)
    looks: int = 0
    _broken: dict[Violation, None] = field(default_factory=dict)
    _first: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: float = field(default_factory=time.monotonic)
    _history: History = field(init=False)
    _usages: dict[str, list[Usage]] = field(default_factory=dict)

    async def play(self, schedule: Sequence[Fault], seconds: float) -> None:
        """For so long. Raises BrokenError; LabError where the lab itself fails."""
        self._begun, self._history = time.monotonic(), self.stage.history
        first = watch.vips(self.stage.deployment, {})
        try:
            async with asyncio.TaskGroup() as tasks:
                looking = (
                    self._watch_routes(first),
                    self._watch_sessions(),
                    self._watch_drains(first),
                    self._watch_growth(),
                )
                running = [tasks.create_task(each) for each in (*map(self._suffer, schedule), *looking)]
                await self._end(seconds)
                for task in running:
                    task.cancel()
        except* LabError as failed:
            error = failed.exceptions[0]
        else:
            if self._broken:
                raise BrokenError(list(self._broken))
            return
        raise error

    async def _end(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._first.wait()
                await asyncio.sleep(AFTERMATH_S)
        except TimeoutError:
            return

    async def _suffer(self, fault: Fault) -> None:
        await asyncio.sleep(self._begun + fault.at - time.monotonic())
        self._note(f"{fault}, for {fault.for_s:g} s")
        self._history = self._history.begin(fault, time.monotonic())
        async with act(self.stage, fault):
            self._history = self._history.done(fault, time.monotonic())
            await asyncio.sleep(fault.for_s)
            self._history = self._history.undoing(fault, time.monotonic())
        self._history = self._history.over(fault, time.monotonic())
        self._note(f"{fault} is over")

    async def _watch_routes(self, first: Vips) -> None:
        suspected: set[Violation] = set()
        vips = first
        nodes = tuple(self.stage.deployment.nodes)
        while True:
            vips = watch.vips(self.stage.deployment, vips)
            hops, now = watch.next_hops(self.stage.deployment), time.monotonic()
            found = {*invariants.routes(hops, nodes, first, self._history, now), *invariants.assignment(first, vips)}
            for violation in suspected & found:
                self._break(violation)
            suspected = found
            self.looks += 1
            await asyncio.sleep(ROUTES_EVERY_S)

    async def _watch_sessions(self) -> None:
        before = await watch.sessions(self.stage.deployment)
        while True:
            await asyncio.sleep(SESSIONS_EVERY_S)
            now = await watch.sessions(self.stage.deployment)
            for violation in invariants.sessions(before, now, self._history):
                self._break(violation)
            before = now

    async def _watch_drains(self, first: Vips) -> None:
        nodes, tors = tuple(self.stage.deployment.nodes), tuple(self.stage.deployment.tors)
        while True:
            paths = await watch.paths(self.stage.deployment)
            for violation in invariants.drains(paths, nodes, first, tors, self._history):
                self._break(violation)
            await asyncio.sleep(SESSIONS_EVERY_S)

    async def _watch_growth(self) -> None:
        while True:
            for process, usage in watch.usages(self.stage.deployment).items():
                self._usages.setdefault(process, []).append(usage)
                for violation in growth(process, self._usages[process], self.windows):
                    self._break(violation)
            await asyncio.sleep(USAGE_EVERY_S)

    def _break(self, violation: Violation) -> None:
        """Each is noted once."""
        if violation not in self._broken:
            self._broken[violation] = None
            self._note(f"BROKEN: {violation}")
            self._first.set()

    def _note(self, text: str) -> None:
        line = f"{time.monotonic() - self._begun:8.1f} s  {datetime.now(UTC):%H:%M:%S.%f}  {text}"
        self.timeline.append(line)
        self.say(line)
