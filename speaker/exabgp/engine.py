"""The engine: the speaker's sessions, each kept by an ExaBGP of its own (speaker/session.py, Engine).

It holds no routes and decides nothing; it starts, tells and ends keepers. One owner: only the daemon's loop calls it.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bgp_config.names import Prefix
from speaker.exabgp.keeper import Keeper
from speaker.exabgp.pauses import Refusals
from speaker.route import PathAttributes
from speaker.session import Ending, SessionEvent, SessionSpec

PROGRAM_VARIABLE = "HERALD_EXABGP"


def default_program() -> Path:
    """The exabgp beside our interpreter, or what the environment names."""
    return Path(os.environ.get(PROGRAM_VARIABLE) or Path(sys.executable).with_name("exabgp"))


class ExaBgpEngine:
    """Keeps a session per spec while `run` runs.

    `directory` is the engine's own (its content is removed at the start), on tmpfs, since it holds passwords. `on_event`
    is called from the event loop's callbacks, never waits, and may call `apply`. While whoever decides is not `alive`, no
    heart beats, so that ExaBGPs end (shim.py), and none is started.
    """

    def __init__(
        self,
        *,
        directory: Path,
        on_event: Callable[[SessionEvent], None],
        exabgp: Path | None = None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._directory = directory
        self._on_event = on_event
        self._exabgp = exabgp or default_program()
        self._alive = alive
        self.refusals = Refusals()
        self._keepers: dict[SessionSpec, Keeper] = {}
        self._leaving: list[tuple[SessionSpec, Keeper]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Keeps the sessions until `aclose`. Cancelled, it ends every ExaBGP without a withdrawal."""
        _empty(self._directory)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for keeper in self._keepers.values():
                tasks.create_task(keeper.run())
            await self._closed.wait()

    async def aclose(self, ending: Ending) -> bool:
        """Ends all sessions and returns when no ExaBGP is left: within 4 s. `run` returns then.

        Whether a peer keeps routes of ours.
        """
        is_kept = ending is Ending.RESTART and any(keeper.outlives_restart for keeper in self._keepers.values())
        for spec in list(self._keepers):
            self._leave(spec, ending)
        for _, keeper in self._leaving:
            await keeper.finished.wait()
        self._closed.set()
        return is_kept

    def open(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> None:
        """Opening what is open is an error of the caller's."""
        if spec in self._keepers:
            raise ValueError(f"session {spec.label} is open already")
        self._leaving = [(old, keeper) for old, keeper in self._leaving if not keeper.finished.is_set()]
        keeper = Keeper(
            spec,
            routes,
            exabgp=self._exabgp,
            directory=self._directory,
            on_event=self._on_event,
            predecessors=[keeper.finished for old, keeper in self._leaving if old.endpoints == spec.endpoints],
            refusals=self.refusals,
            alive=self._alive,
        )
        self._keepers[spec] = keeper
        if self._tasks is not None:
            self._tasks.create_task(keeper.run())

    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        self._keepers[spec].apply(changes)

    def close(self, spec: SessionSpec) -> None:
        self._leave(spec, Ending.WITHDRAW)

    def _leave(self, spec: SessionSpec, ending: Ending) -> None:
        keeper = self._keepers.pop(spec)
        keeper.close(ending)
        if self._tasks is not None:
            self._leaving.append((spec, keeper))


def _empty(directory: Path) -> None:
    """What a killed speaker left: its ExaBGPs have ended themselves (shim.py)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    for left in directory.iterdir():
        shutil.rmtree(left, ignore_errors=True)
