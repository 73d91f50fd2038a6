"""A removal counts after 2 s, unless something defines the object again."""

import asyncio
import time
from pathlib import Path

from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone
from tests.unit.herald.kube.directory.living import ALL, QUICK, SETTLED_S, class_is, rename_into, service, synced

WEB_GONE = Gone(Kind.SERVICE, ObjectKey("default", "web"))


async def test_a_deleted_file_counts_after_two_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("web"))
    async with synced(DirectorySource(tmp_path, ALL)) as reader:
        removed = time.monotonic()
        (tmp_path / "a.yaml").unlink()
        await reader.until(lambda r: WEB_GONE in r.words)
        assert 2.0 <= time.monotonic() - removed < 2.5


async def test_a_document_that_vanishes_from_its_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web") + "---\n" + service("other"))
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        rename_into(path, service("other"))
        await reader.until(lambda r: WEB_GONE in r.words)
        assert reader.has(Kind.SERVICE, "other")


async def test_a_file_deleted_and_written_anew_in_time_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(service("web"))
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        path.unlink()
        await asyncio.sleep(0.3)
        path.write_text(service("web"))
        assert not await reader.read_for(SETTLED_S)


async def test_an_object_moved_to_another_file_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("web"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        (tmp_path / "sub").mkdir()
        (tmp_path / "a.yaml").rename(tmp_path / "sub" / "z.yml")
        assert not await reader.read_for(SETTLED_S)
        assert not source.problems


async def test_a_directory_that_is_deleted_takes_its_objects_along(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "a.yaml").write_text(service("web"))
    (tmp_path / "b.yaml").write_text(service("stays"))
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        (tmp_path / "sub").rename(tmp_path.parent / f"{tmp_path.name}-elsewhere")
        await reader.until(lambda r: WEB_GONE in r.words)
        assert reader.has(Kind.SERVICE, "stays")


async def test_of_two_files_that_define_it_the_first_by_name_counts_and_the_other_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(service("web", "second"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        rename_into(tmp_path / "a.yaml", service("web", "first"))
        await reader.until(class_is("web", "first"))
        (problem,) = source.problems
        assert problem.path == tmp_path / "b.yaml"
        assert "default/web" in problem.message
        assert str(tmp_path / "a.yaml") in problem.hint
        (tmp_path / "a.yaml").unlink()
        await reader.until(class_is("web", "second"))
        assert not source.problems
