"""The engine with real processes, pipes and helper, and a program in ExaBGP's place."""

import asyncio
import logging
import os
import shutil
import signal
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from bgp_config.names import Family, Prefix
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.pauses import Refusal
from speaker.exabgp.shim import DEADLINE_S
from speaker.session import Closed, Ended, Ending, Established, InSync, Programmed, SessionEvent, SessionSpec
from tests.unit.speaker.exabgp.test_driver import PLAIN, vip
from tests.unit.speaker.exabgp.test_driver import SPEC as BOTH_FAMILIES

ROOT = Path(__file__).parents[4]
SPEC = replace(BOTH_FAMILIES, families=frozenset({Family.IPV4}))


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.01)


class Bench:
    """An engine whose ExaBGP is the stand-in."""

    def __init__(self, directory: Path, behaviour: str) -> None:
        self.alive = True
        self.home = directory
        self.program = directory / "exabgp.py"
        shutil.copy(Path(__file__).with_name("stand_in.py"), self.program)
        (directory / "root").symlink_to(ROOT)
        self.behave(behaviour)
        self.events: list[SessionEvent] = []
        self.engine = ExaBgpEngine(
            directory=directory / "run", on_event=self.events.append, exabgp=self.program, alive=lambda: self.alive
        )

    def behave(self, behaviour: str) -> None:
        (self.home / "behaviour").write_text(behaviour)

    @property
    def starts(self) -> list[int]:
        file = self.home / "starts"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def of(self, kind: type[SessionEvent], spec: SessionSpec = SPEC) -> list[SessionEvent]:
        return [event for event in self.events if isinstance(event, kind) and event.spec == spec]


@asynccontextmanager
async def bench(directory: Path, behaviour: str) -> AsyncIterator[Bench]:
    made = Bench(directory, behaviour)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(made.engine.run())
        yield made
        await made.engine.aclose(Ending.WITHDRAW)
        await running
    assert not list((directory / "run").iterdir())
    for pid in made.starts:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_session_from_open_to_close(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {vip(1): PLAIN, vip(2): PLAIN})
        await until(lambda: bool(made.of(InSync)))
        made.engine.apply(SPEC, {vip(1): None})
        await until(lambda: len(made.of(Programmed)) == 3)
        made.engine.close(SPEC)
        await until(lambda: bool(made.of(Closed)))
    kinds = [type(event) for event in made.events]
    assert kinds == [Established, Programmed, Programmed, InSync, Programmed, Programmed, Closed, Ended]
    last = made.events[-3]
    assert isinstance(last, Programmed)
    assert (last.prefix, last.attributes) == (vip(2), None)


async def test_a_session_opened_before_the_engine_runs_is_kept(tmp_path: Path) -> None:
    made = Bench(tmp_path, "peer")
    made.engine.open(SPEC, {vip(1): PLAIN})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made.engine.run())
        await until(lambda: bool(made.of(InSync)))
        await made.engine.aclose(Ending.WITHDRAW)


async def test_more_routes_than_the_pipes_hold_pass_through_them(tmp_path: Path) -> None:
    prefixes: list[Prefix] = list(IPv4Network("10.128.0.0/19").subnets(new_prefix=32))
    routes = dict.fromkeys(prefixes, PLAIN)
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, routes)
        await until(lambda: bool(made.of(InSync)), 20)
        assert len(made.of(Programmed)) == len(routes)


async def test_events_may_apply_changes(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync)))

        def answer(event: SessionEvent) -> None:
            made.events.append(event)
            if isinstance(event, Programmed) and event.prefix == vip(2):
                made.engine.apply(SPEC, {vip(3): PLAIN})

        second = replace(SPEC, hold_time_s=30, peer_port=1790)
        engine = ExaBgpEngine(directory=tmp_path / "second", on_event=answer, exabgp=made.program)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(engine.run())
            engine.open(second, {vip(2): PLAIN})
            await until(lambda: any(isinstance(e, Programmed) and e.prefix == vip(3) for e in made.events))
            await engine.aclose(Ending.WITHDRAW)


@pytest.mark.parametrize("behaviour", ["crash", "flap"])
async def test_a_program_that_does_not_live_is_started_ever_less_often(tmp_path: Path, behaviour: str) -> None:
    async with bench(tmp_path, behaviour) as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await asyncio.sleep(3)
        assert 2 <= len(made.starts) <= 7
        if behaviour == "crash":
            (closed,) = made.of(Closed)
            assert isinstance(closed, Closed)
            assert closed.why == "ExaBGP exited with status 3: no such thing"
        made.behave("peer")
        await until(lambda: bool(made.of(InSync)))


async def test_a_program_that_quotes_its_configuration_has_no_password_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with_password = replace(SPEC, password=b"a very secret word")
    async with bench(tmp_path, "quote") as made:
        made.engine.open(with_password, {vip(1): PLAIN})
        await until(lambda: bool(made.of(Closed, with_password)))
    assert "md5-password ..." in caplog.text
    for secret in ("a very secret word", b64encode(b"a very secret word").decode()):
        assert secret not in caplog.text + str(made.events)


async def test_a_peer_that_had_too_many_prefixes_is_left_alone_and_the_session_can_be_closed_meanwhile(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, "refuse") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(Closed)))
        await asyncio.sleep(2)
        assert len(made.starts) == 1
        (closed,) = made.of(Closed)
        assert isinstance(closed, Closed)
        assert closed.error == (6, 1)
        made.engine.close(SPEC)
        await until(lambda: bool(made.of(Ended)), 1)


async def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    async with bench(tmp_path, "deaf") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync)))
        begun = time.monotonic()
        made.engine.close(SPEC)
        await until(lambda: bool(made.of(Closed)))
        assert time.monotonic() - begun < 3


async def test_a_withdrawal_that_is_not_confirmed_delays_the_end_only_so_long(tmp_path: Path) -> None:
    async with bench(tmp_path, "mute") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(Established)))
        begun = time.monotonic()
        await made.engine.aclose(Ending.WITHDRAW)
        assert 1.5 < time.monotonic() - begun < 4
        (closed,) = made.of(Closed)
        assert isinstance(closed, Closed)
        assert "unconfirmed" in closed.why


async def test_a_peer_that_refused_an_earlier_life_is_left_alone_until_its_time(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.refusals.recall({SPEC.endpoints: Refusal(1, time.monotonic() + 0.8)})
        begun = time.monotonic()
        made.engine.open(SPEC, {})
        await until(lambda: bool(made.of(InSync)))
        assert time.monotonic() - begun > 0.8


async def test_a_refusal_is_noted_for_the_next_life(tmp_path: Path) -> None:
    noted: list[int] = []
    async with bench(tmp_path, "refuse") as made:
        made.engine.refusals.on_change = lambda: noted.append(1)
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(noted))
        refusal = made.engine.refusals.known[SPEC.endpoints]
        assert refusal.count == 1
        assert 25 < refusal.until - time.monotonic() <= 60


@pytest.mark.parametrize(
    ("behaviour", "asks", "ending", "is_left"),
    [
        ("helper", 120, Ending.RESTART, True),
        ("helper", 120, Ending.WITHDRAW, False),
        ("helper", None, Ending.RESTART, False),
        ("peer", 120, Ending.RESTART, False),
        ("peer", 120, Ending.ABRUPT, True),
    ],
)
async def test_for_a_restart_routes_are_left_only_with_a_peer_that_agreed_to_keep_them(
    tmp_path: Path, behaviour: str, asks: int | None, ending: Ending, *, is_left: bool
) -> None:
    spec = replace(SPEC, graceful_restart_s=asks)
    async with bench(tmp_path, behaviour) as made:
        made.engine.open(spec, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync, spec)))
        await made.engine.aclose(ending)
        last = made.of(Programmed, spec)[-1]
        assert isinstance(last, Programmed)
        assert (last.attributes is not None) is is_left
        assert len(made.of(Ended, spec)) == 1


async def test_a_killed_program_is_followed_by_one_with_what_is_desired_then(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync)))
        os.kill(made.starts[0], signal.SIGKILL)
        await until(lambda: bool(made.of(Closed)))
        made.engine.apply(SPEC, {vip(1): None, vip(2): PLAIN})
        await until(lambda: len(made.of(InSync)) == 2)
    since = made.events[made.events.index(made.of(Closed)[0]) :]
    assert [event.prefix for event in since if isinstance(event, Programmed) and event.attributes] == [vip(2)]


async def test_a_session_with_the_same_ends_starts_only_when_the_one_before_has_ended(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync)))
        successor = replace(SPEC, hold_time_s=30)
        made.engine.close(SPEC)
        made.engine.open(successor, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync, successor)))
        (closed,), (established,) = made.of(Closed), made.of(Established, successor)
        assert closed.at <= established.at


async def test_while_whoever_decides_hangs_no_heart_beats_and_no_program_starts(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(InSync)))
        made.alive = False
        await until(lambda: bool(made.of(Closed)), DEADLINE_S + 3)
        await asyncio.sleep(2)
        assert len(made.starts) == 1
        made.alive = True
        await until(lambda: len(made.of(InSync)) == 2)


async def test_opening_twice_is_an_error_of_the_callers(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        made.engine.open(SPEC, {})
        with pytest.raises(ValueError, match="open already"):
            made.engine.open(SPEC, {})


async def test_a_start_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path, "peer") as made:
        await until((tmp_path / "run").is_dir)
        (tmp_path / "run").rmdir()
        made.engine.open(SPEC, {vip(1): PLAIN})
        await until(lambda: bool(made.of(Closed)))
        (closed,) = made.of(Closed)
        assert isinstance(closed, Closed)
        assert closed.why.startswith("ExaBGP cannot be started: ")
        (tmp_path / "run").mkdir()
        await until(lambda: bool(made.of(InSync)))
