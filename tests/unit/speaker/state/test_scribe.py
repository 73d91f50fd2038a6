"""The file follows what changes: soon, in slices between which the loop turns, and again after a failure."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from herald.lab.waiting import until
from speaker.state.file import Origin, Whole, read
from speaker.state.scribe import PAUSE_S, SLICE, Scribe

OURS = Origin(node="node1", boot="this")


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] | None = [b"1"]
        self.begun = 0
        self.scribe = Scribe(path, OURS, self._tell)

    def _tell(self) -> Iterable[bytes] | None:
        self.begun += 1
        return self.lines

    @property
    def written(self) -> tuple[bytes, ...] | None:
        found = read(self.path, OURS)
        return found.lines if isinstance(found, Whole) else None


async def test_a_change_is_in_the_file_soon_and_many_are_one_write(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    running = asyncio.create_task(bench.scribe.run())
    for _ in range(1000):
        bench.scribe.touch()
    await until(lambda: bench.written == (b"1",), 2)
    bench.lines = [b"2"]
    bench.scribe.touch()
    await until(lambda: bench.written == (b"2",), 2)
    assert bench.begun == 2
    await asyncio.sleep(2 * PAUSE_S)
    assert bench.begun == 2, "nothing changed"
    running.cancel()


async def test_the_loop_turns_between_the_slices(tmp_path: Path) -> None:
    bench, turns = Bench(tmp_path / "state"), 0
    bench.lines = [b"%d" % number for number in range(SLICE * 20)]

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    await asyncio.sleep(0)
    before = turns
    assert await bench.scribe.write()
    assert turns - before >= 20
    turning.cancel()


async def test_nothing_is_written_before_there_is_something_to_tell(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    bench.lines = None
    assert await bench.scribe.write()
    assert not bench.path.exists()


async def test_a_directory_that_is_away_costs_a_file_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "away" / "state")
    assert not await bench.scribe.write()
    (tmp_path / "away").mkdir()
    assert await bench.scribe.write()
    assert bench.written == (b"1",)


async def test_the_last_word_is_written_although_a_write_is_cancelled_meanwhile(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    bench.lines = [b"1"] * SLICE * 3
    running = asyncio.create_task(bench.scribe.run())
    bench.scribe.touch()
    while not bench.begun:  # noqa: ASYNC110 -- at its first slice
        await asyncio.sleep(0)
    running.cancel()
    bench.lines = [b"2"] * SLICE * 3
    assert await bench.scribe.write()
    assert bench.written == tuple(bench.lines)
