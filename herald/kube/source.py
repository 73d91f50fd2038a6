"""Where cluster objects come from: five words that every source speaks, and the mailbox that coalesces them.

A source reports the last state of each object, not its history: a reader that is slow sees fewer changes, never a longer
queue. The source itself turns what vanished during an outage into Gone. Two sources exist, the directory and the API
server; one contract suite holds both to these words.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from herald.kube.objects import Kind, KubeObject, ObjectKey


@dataclass(frozen=True, slots=True)
class Synced:
    """Every object of this kind that exists has been reported once. Said once per kind and life of the source."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Upsert:
    """The object exists and this is its state."""

    kind: Kind
    key: ObjectKey
    object: KubeObject


@dataclass(frozen=True, slots=True)
class Gone:
    """The object does not exist."""

    kind: Kind
    key: ObjectKey


@dataclass(frozen=True, slots=True)
class Stale:
    """From now on this kind may lag behind the truth, for this reason. What was reported stays in force (fail static)."""

    kind: Kind
    why: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """The kind is up to date again; what changed meanwhile has been reported before this word."""

    kind: Kind


Change: TypeAlias = Synced | Upsert | Gone | Stale | Fresh


class Changes:
    """The mailbox between one source and one reader. Bounded by the number of objects, whatever the rate of events.

    Order is kept between words about one kind: what was posted before Synced or Fresh is taken before or with it.
    `posted_at` is when the oldest of what was taken last had been posted (monotonic seconds); None after an empty take.
    """

    def __init__(self) -> None:
        self._objects: dict[tuple[Kind, ObjectKey], Upsert | Gone] = {}
        self._kinds: dict[tuple[Kind, type], Synced | Stale | Fresh] = {}
        self._waiting = asyncio.Event()
        self._first_at: float | None = None
        self.posted_at: float | None = None

    def post(self, change: Change) -> None:
        self._first_at = self._first_at or time.monotonic()
        match change:
            case Upsert() | Gone():
                self._objects[change.kind, change.key] = change
            case Synced():
                self._kinds[change.kind, Synced] = change
            case Stale() | Fresh():
                self._kinds[change.kind, Stale] = change
        self._waiting.set()

    def wake(self) -> None:
        """Makes take() return, empty-handed if need be: the reader has something else to do."""
        self._waiting.set()

    async def take(self) -> list[Change]:
        """Everything posted since the last call, objects first; waits until there is something, or wake()."""
        await self._waiting.wait()
        self._waiting.clear()
        taken: Iterable[Change] = [*self._objects.values(), *self._kinds.values()]
        self._objects, self._kinds = {}, {}
        self.posted_at, self._first_at = self._first_at, None
        return list(taken)


class Source(Protocol):
    """Reports all objects of its kinds into `changes` until it is cancelled.

    Raises only for what a restart would not mend.
    """

    async def run(self, changes: Changes) -> None: ...
