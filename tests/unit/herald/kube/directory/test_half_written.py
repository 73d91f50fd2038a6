"""A half-written file moves nothing; one that is whole is taken at once."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind, Service
from tests.unit.herald.kube.directory.living import (
    ALL,
    QUICK,
    SETTLED_S,
    class_is,
    eventually,
    living,
    rename_into,
    service,
    synced,
)


async def test_a_file_written_in_chunks_is_taken_only_when_it_is_whole(tmp_path: Path) -> None:
    text = service("web", "before") + "---\n" + service("other")
    path = tmp_path / "a.yaml"
    path.write_text(text)
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        with path.open("w") as file:
            for start in range(0, len(text), 40):
                file.write(text.replace("before", "after")[start : start + 40])
                file.flush()
                os.fsync(file.fileno())
                assert not await reader.read_for(0.05)
        await reader.until(class_is("web", "after"), within_s=1.0)
        assert not await reader.read_for(SETTLED_S)
        assert reader.has(Kind.SERVICE, "other")


WRITING = """
import pathlib, sys, time
path, text = pathlib.Path(sys.argv[1]), sys.argv[2]
for number in range(400):
    whole = text.replace("one", f"class-{number}")
    with path.open("w") as file:
        for start in range(0, len(whole), 50):
            file.write(whole[start : start + 50])
            file.flush()
    time.sleep(0.001 * (number % 4))
"""


def start_writing(path: Path, text: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITING, str(path), text])


async def test_whatever_the_timing_of_a_writer_only_whole_files_are_taken(tmp_path: Path) -> None:
    """Opening for writing while it is read waits for the lease, and the lease's signal harms nobody."""
    path = tmp_path / "a.yaml"
    text = service("web") + "---\n" + service("other")
    path.write_text(text)
    async with synced(DirectorySource(tmp_path, ALL)) as reader:
        with start_writing(path, text) as writing:
            while writing.poll() is None:
                await reader.read_for(0.01)
                classes = {found.spec.load_balancer_class for found in reader.objects.values() if isinstance(found, Service)}
                assert len(reader.objects) == 2
                assert len(classes) == 1
        await reader.until(class_is("web", "class-399"))
        assert class_is("other", "class-399")(reader)


async def test_a_file_that_somebody_keeps_open_for_writing_is_named_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web", "before"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        with path.open("w") as file:
            file.write(service("web", "after"))
            file.flush()
            await eventually(lambda: any("open for writing" in problem.message for problem in source.problems))
            assert class_is("web", "before")(reader)
        await reader.until(class_is("web", "after"))
        assert not source.problems


async def test_a_file_that_is_being_written_at_the_start_holds_back_synced(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("w") as file:
        async with living(DirectorySource(tmp_path, frozenset({Kind.SERVICE}), pace=QUICK)) as reader:
            file.write(service("web"))
            assert not await reader.read_for(0.3)
            file.close()
            await reader.until(lambda r: Kind.SERVICE in r.synced)
            assert reader.has(Kind.SERVICE, "web")


async def test_a_file_open_for_reading_only_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web"))
    with path.open() as file:
        assert file.readable()
        async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
            assert reader.has(Kind.SERVICE, "web")


@pytest.mark.parametrize("cut", [75, 120])
async def test_a_file_cut_short_and_closed_moves_nothing_while_the_rest_may_come(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web") + "---\n" + service("other"))
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        path.write_text(service("web")[:cut])
        assert not await reader.read_for(0.3)
        path.write_text(service("web", "after") + "---\n" + service("other"))
        await reader.until(class_is("web", "after"))
        assert not await reader.read_for(SETTLED_S)


async def test_an_invalid_file_keeps_what_it_held_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web", "before") + "---\n" + service("other"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        rename_into(path, service("web", "after") + "---\nkind: [\n")
        await reader.until(class_is("web", "after"))
        (problem,) = source.problems
        assert (problem.path, problem.document) == (path, 2)
        assert "line" in problem.message
        assert not await reader.read_for(SETTLED_S)
        assert reader.has(Kind.SERVICE, "other")
        rename_into(path, service("web", "after"))
        await reader.until(lambda r: not r.has(Kind.SERVICE, "other"))
        assert not source.problems


async def test_a_file_deleted_and_written_anew_but_wrong_keeps_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web"))
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        path.unlink()
        await asyncio.sleep(0.1)
        rename_into(path, "kind: [\n")
        assert not await reader.read_for(SETTLED_S)


async def test_problems_are_logged_once_when_they_appear_and_once_when_they_are_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "herald.kube.directory")
    path = tmp_path / "a.yaml"
    path.write_text("kind: [\n")
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        rename_into(path, "kind: [\n")  # written again and as wrong as before
        rename_into(tmp_path / "b.yaml", service("web"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        rename_into(path, service("other"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "other"))
    assert [message.split(":")[0] for message in caplog.messages] == ["problem", "mended"]
