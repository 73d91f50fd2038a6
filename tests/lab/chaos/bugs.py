"""Herald with a bug put in on purpose: python -m tests.lab.chaos.bugs BUG WORD [FLAGS], as `herald WORD [FLAGS]` otherwise.

Each takes the place of a real part where the programs are put together, and does all but one thing as that does.
"""

import asyncio
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import controller.daemon
import speaker.program
import speaker.witnesses
from bgp_config.names import IPAddress, Prefix
from bgp_config.status.drain import Phase
from herald.cli.main import main
from herald.kube.directory import DirectoryStatusWriter
from herald.kube.objects import Service
from speaker.core import Core
from speaker.drain import DrainWitness
from speaker.evidence import Source, Standing
from speaker.exabgp.engine import ExaBgpEngine
from speaker.reasons import Reason
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec

LEAK_EVERY_S = 0.1
LEAK_BYTES = 200_000


class Bug(StrEnum):
    LOST_WITHDRAW = "lost-withdraw"
    VIP_TWICE = "vip-twice"
    STALE_ROUTE = "stale-route"
    MISSED_DRAIN_STEP = "missed-drain-step"
    UNRELATED_RESET = "unrelated-reset"
    LEAK = "leak"


class LosesWithdrawals(ExaBgpEngine):
    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        super().apply(spec, {prefix: how for prefix, how in changes.items() if how is not None})


class KeepsStaleRoutes(ExaBgpEngine):
    """It knows of a session's routes from its former lives, and never learns which of them are gone."""

    def open(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> None:
        super().open(spec, self._remember(spec, routes))

    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        super().apply(spec, changes)
        self._remember(spec, {prefix: how for prefix, how in changes.items() if how is not None})

    def _remember(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> dict[Prefix, PathAttributes]:
        memory = self._directory.with_name("stale-routes")
        memory.mkdir(exist_ok=True)
        routes_of_it = memory / spec.label
        known = pickle.loads(routes_of_it.read_bytes()) if routes_of_it.exists() else {}  # noqa: S301 -- its own
        routes_of_it.write_bytes(pickle.dumps({**known, **routes}))
        return {**known, **routes}


class ResetsOthers(ExaBgpEngine):
    """A withdrawal from one peer ends the sessions with the others."""

    def apply(self, spec: SessionSpec, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        super().apply(spec, changes)
        for other, keeper in self._keepers.items():
            if None in changes.values() and other != spec and keeper._process is not None:
                keeper._process.end("a bug")


class Leaks(ExaBgpEngine):
    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            leaking = tasks.create_task(self._leak())
            await super().run()
            leaking.cancel()

    async def _leak(self) -> None:
        kept: list[Any] = []
        while True:
            kept.append((bytearray(b"x" * LEAK_BYTES), Path("/dev/null").open()))  # noqa: SIM115, ASYNC230 -- the bug
            await asyncio.sleep(LEAK_EVERY_S)


class NeverWithdraws(DrainWitness):
    """What is drained stays the least preferred."""

    def testify(self, core: Core, now: float) -> None:
        super().testify(core, now)
        if self.progress.phase is Phase.DRAINED:
            core.stand(Source.DRAIN, Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING))


class GivesTheSameTwice(DirectoryStatusWriter):
    """Whoever asks after some have theirs gets the first one's."""

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> str:
        self._given = getattr(self, "_given", {})
        given = self._given.setdefault(service.key, list(vips) if service.metadata.name != "passing" else self._first())
        return await super().write_ingress(service, given)

    def _first(self) -> list[IPAddress]:
        return next(iter(self._given.values()))


def _engine(engine: type[ExaBgpEngine]) -> Callable[[], None]:
    def put_in() -> None:
        vars(speaker.program)["ExaBgpEngine"] = engine

    return put_in


def _drain() -> None:
    vars(speaker.witnesses)["DrainWitness"] = NeverWithdraws


def _writer() -> None:
    vars(controller.daemon)["DirectoryStatusWriter"] = GivesTheSameTwice


PUT_IN: Mapping[Bug, Callable[[], None]] = {
    Bug.LOST_WITHDRAW: _engine(LosesWithdrawals),
    Bug.STALE_ROUTE: _engine(KeepsStaleRoutes),
    Bug.UNRELATED_RESET: _engine(ResetsOthers),
    Bug.LEAK: _engine(Leaks),
    Bug.MISSED_DRAIN_STEP: _drain,
    Bug.VIP_TWICE: _writer,
}


if __name__ == "__main__":
    PUT_IN[Bug(sys.argv[1])]()
    sys.exit(main(sys.argv[2:]))
