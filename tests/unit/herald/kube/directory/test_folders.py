"""What is read of the folders: links, directories that come and go, and folders that are lost."""

import os
import shutil
from pathlib import Path

from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone
from tests.unit.herald.kube.directory.living import ALL, QUICK, SETTLED_S, class_is, eventually, rename_into, service, synced

WEB_GONE = Gone(Kind.SERVICE, ObjectKey("default", "web"))


async def test_a_lost_folder_is_named(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    source = DirectorySource(manifests, ALL, pace=QUICK)
    async with synced(source) as reader:
        manifests.rmdir()
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        assert [problem.path for problem in source.problems] == [manifests]
        manifests.mkdir()
        await reader.until(lambda r: Kind.SERVICE not in r.stale)
        assert not source.problems


async def test_a_folder_that_is_deleted_with_all_in_it_takes_nothing_away(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "a.yaml").write_text(service("web"))
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        shutil.rmtree(manifests)
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        await reader.read_for(SETTLED_S)
        assert reader.has(Kind.SERVICE, "web")
        manifests.mkdir()
        (manifests / "b.yaml").write_text(service("other"))  # of a clone in place the first file comes before the last
        await reader.until(lambda r: r.has(Kind.SERVICE, "other"))
        (manifests / "c.yaml").write_text(service("web"))
        await reader.until(lambda r: Kind.SERVICE not in r.stale)
        assert WEB_GONE not in reader.words


async def test_the_time_of_a_removal_does_not_run_while_the_folder_is_lost(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "a.yaml").write_text(service("web"))
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        (manifests / "a.yaml").unlink()
        assert not await reader.read_for(0.2)
        manifests.rename(tmp_path / "elsewhere")
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        await reader.read_for(SETTLED_S)
        assert reader.has(Kind.SERVICE, "web")
        (tmp_path / "elsewhere").rename(manifests)
        await reader.until(lambda r: Kind.SERVICE not in r.stale)
        assert WEB_GONE in reader.words


async def test_another_and_empty_directory_in_its_place_is_taken_for_an_unmounted_one(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "a.yaml").write_text(service("web"))
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        manifests.rename(tmp_path / "elsewhere")
        manifests.mkdir()
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        await reader.read_for(SETTLED_S)
        assert reader.has(Kind.SERVICE, "web")


async def test_a_file_in_place_of_the_folder_is_stale(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "a.yaml").write_text(service("web"))
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        manifests.rename(tmp_path / "elsewhere")
        manifests.touch()
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        assert reader.has(Kind.SERVICE, "web")


async def test_a_link_that_is_swapped_to_another_checkout_is_followed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(service("web", name))
    manifests = tmp_path / "manifests"
    manifests.symlink_to("one")
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(manifests)
        await reader.until(class_is("web", "two"))
        rename_into(tmp_path / "two" / "a.yaml", service("web", "three"))
        await reader.until(class_is("web", "three"), within_s=1.0)


async def test_what_the_kernel_does_not_tell_is_found_by_comparing(tmp_path: Path) -> None:
    """A link into another file system tree is watched by nobody."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    target = tmp_path / "a.txt"
    target.write_text(service("web", "one"))
    (manifests / "a.yaml").symlink_to(target)
    async with synced(DirectorySource(manifests, ALL, pace=QUICK)) as reader:
        rename_into(target, service("web", "two"))
        await reader.until(class_is("web", "two"), within_s=3.0)


async def test_other_files_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/config.yaml", ".a.yaml", "README.md", "a.yaml~", "a.yaml.swp"):
        (tmp_path / name).write_text(service("web"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        assert not reader.objects
        (tmp_path / ".git" / "b.yaml").write_text(service("web"))
        assert not await reader.read_for(0.3)
        assert not source.problems


async def test_a_mounted_config_map_is_followed_through_its_links(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"..{name}").mkdir()
        (tmp_path / f"..{name}" / "a.yaml").write_text(service("web", name))
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        assert class_is("web", "one")(reader)
        (tmp_path / "..data_tmp").symlink_to("..two")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await reader.until(class_is("web", "two"), within_s=1.0)


async def test_links_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to("..")
    (tmp_path / "a.yaml").write_text(service("web"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        assert reader.has(Kind.SERVICE, "web")
        rename_into(tmp_path / "sub" / "b.yaml", service("other"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "other"))
        assert not source.problems


async def test_a_directory_that_appears_is_read_with_all_in_it(tmp_path: Path) -> None:
    async with synced(DirectorySource(tmp_path, ALL, pace=QUICK)) as reader:
        for number in range(20):
            (tmp_path / f"new-{number}" / "deep").mkdir(parents=True)
            (tmp_path / f"new-{number}" / "deep" / "a.yaml").write_text(service(f"web-{number}"))
        await reader.until(lambda r: len(r.objects) == 20, within_s=1.5)


async def test_a_named_pipe_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text(service("web"))
    source = DirectorySource(tmp_path, ALL, pace=QUICK)
    async with synced(source) as reader:
        assert reader.has(Kind.SERVICE, "web")
        await eventually(lambda: [problem.path.name for problem in source.problems] == ["a.yaml"])
