"""How soon the directory source says what changed, and how much it can hold."""

import asyncio
import time
from pathlib import Path

import pytest

from herald.kube.directory import DirectorySource, DirectoryStatusWriter
from herald.kube.objects import Metadata, Service
from herald.kube.source import Upsert
from tests.unit.herald.kube.directory.living import ALL, class_is, rename_into, service, synced

pytestmark = pytest.mark.timing


async def test_a_rename_is_reported_within_50_ms(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.yaml").write_text(service(f"web-{number}"))
    async with synced(DirectorySource(tmp_path, ALL)) as reader:
        took = []
        for number in range(20):
            new = tmp_path / ".new"
            new.write_text(service("web-7", f"class-{number}"))
            renamed = time.perf_counter()
            new.rename(tmp_path / "7.yaml")
            await reader.until(class_is("web-7", f"class-{number}"))
            took.append(time.perf_counter() - renamed)
        took.sort()
        print(f"rename to Upsert: median {took[10] * 1000:.1f} ms, worst {took[-1] * 1000:.1f} ms")  # noqa: T201
        assert took[10] < 0.05


async def test_ten_thousand_services_are_loaded_in_seconds_and_a_change_is_one_word(tmp_path: Path) -> None:
    for number in range(100):
        names = [f"web-{number}-{other}" for other in range(100)]
        (tmp_path / f"{number}.yaml").write_text("---\n".join(service(name) for name in names))
    started = time.perf_counter()
    async with synced(DirectorySource(tmp_path, ALL)) as reader:
        took = time.perf_counter() - started
        print(f"10,000 Services in 100 files: {took:.2f} s")  # noqa: T201
        assert len(reader.objects) == 10_000
        assert took < 20.0
        reader.words.clear()
        rename_into(tmp_path / "7.yaml", (tmp_path / "7.yaml").read_text().replace("one", "two", 1))
        await reader.until(class_is("web-7-0", "two"))
        assert [word.key.name for word in reader.words if isinstance(word, Upsert)] == ["web-7-0"]


async def test_others_have_their_turn_while_a_large_file_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("---\n".join(service(f"web-{number}") for number in range(10_000)))
    longest, before = 0.0, time.perf_counter()
    async with synced(DirectorySource(tmp_path, ALL)) as reader:
        rename_into(tmp_path / "all.yaml", "---\n".join(service(f"web-{number}", "two") for number in range(10_000)))
        while not class_is("web-9999", "two")(reader):
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)
            await reader.read_for(0.001)
        print(f"longest time without a turn: {longest * 1000:.0f} ms")  # noqa: T201
        assert longest < 1.0


async def test_a_thousand_statuses_are_written_durably_in_seconds(tmp_path: Path) -> None:
    writer = DirectoryStatusWriter(tmp_path)
    services = [Service(metadata=Metadata(name=f"web-{number}", namespace="default")) for number in range(1000)]
    started = time.perf_counter()
    await asyncio.gather(*(writer.write_ingress(each, []) for each in services))
    took = time.perf_counter() - started
    print(f"1,000 statuses: {took:.2f} s")  # noqa: T201
    assert took < 20.0
