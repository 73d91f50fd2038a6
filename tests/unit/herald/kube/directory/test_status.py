"""The status files: written whole, read by every speaker, kept until the Service is forgotten."""

import asyncio
import shutil
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest

from herald.kube.directory import DirectorySource, DirectoryStatusWriter
from herald.kube.directory.status import StatusFile, status_path, with_status
from herald.kube.objects import Kind, Metadata, ObjectKey, Service
from herald.kube.requested import LOAD_BALANCER_IPS
from tests.unit.herald.kube.directory.living import (
    ALL,
    QUICK,
    SETTLED_S,
    eventually,
    living,
    rename_into,
    service,
    synced,
    vips_are,
)

WEB = Service(metadata=Metadata(name="web", namespace="default", uid="1", annotations={LOAD_BALANCER_IPS: "198.51.100.9"}))
VIP, VIP6 = ip_address("198.51.100.1"), ip_address("2001:db8:100::1")


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "web.yaml").write_text(service("web") + "  loadBalancerIP: 203.0.113.1\nstatus: {loadBalancer: {}}\n")
    return manifests


@pytest.fixture
def status(tmp_path: Path) -> Path:
    return tmp_path / "state" / "status"


def read(status: Path, key: ObjectKey = WEB.key) -> StatusFile:
    return msgspec.json.decode(status_path(status, key).read_bytes(), type=StatusFile)


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def move_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


async def test_a_file_says_what_was_assigned_to_whom_and_what_was_asked_for(status: Path) -> None:
    await DirectoryStatusWriter(status).write_ingress(WEB, [VIP, VIP6])
    assert read(status) == StatusFile(uid="1", requested=["198.51.100.9"], vips=["198.51.100.1", "2001:db8:100::1"])


async def test_a_word_about_pending_takes_no_vip_away_and_the_next_write_clears_it(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    await writer.write_pending(WEB, "noFreeAddress", "no pool has a free address")
    assert read(status).vips == ["198.51.100.1"]
    assert (read(status).reason, read(status).message) == ("noFreeAddress", "no pool has a free address")
    await writer.write_ingress(WEB, [VIP, VIP6])
    assert read(status).reason == ""


async def test_a_word_about_pending_puts_right_a_spoilt_file_with_the_vips_in_force(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    status_path(status, WEB.key).write_text("spoilt")
    await writer.write_pending(with_status(WEB, StatusFile(vips=["198.51.100.1"])), "reason", "")
    assert read(status).vips == ["198.51.100.1"]


async def test_nothing_is_left_of_a_service_that_is_forgotten(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    assert await writer.known() == {WEB.key}
    await writer.forget(WEB)
    await writer.forget(WEB)
    assert await writer.known() == frozenset()


async def test_writes_of_one_service_at_the_same_time_leave_the_last(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    vips = [ip_address(f"198.51.100.{number}") for number in range(1, 30)]
    await asyncio.gather(*(writer.write_ingress(WEB, [vip]) for vip in vips))
    assert read(status).vips == ["198.51.100.29"]
    assert files_in(status) == ["web.json"]


async def test_a_reader_never_sees_half_a_file(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])

    async def write() -> None:
        for number in range(100):
            await writer.write_pending(WEB, "reason", "x" * 1000 * (number % 7))

    writing = asyncio.create_task(write())
    while not writing.done():
        assert read(status).vips == ["198.51.100.1"]
        await asyncio.sleep(0)
    await writing


async def test_vips_come_from_the_status_file_and_only_from_there(manifests: Path, status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    async with synced(DirectorySource(manifests, ALL, status=status)) as reader:
        assert vips_are("web")(reader)
        await writer.write_ingress(WEB, [VIP, VIP6])
        await reader.until(vips_are("web", "198.51.100.1", "2001:db8:100::1"), within_s=1.0)
        await writer.write_ingress(WEB, [])
        await reader.until(vips_are("web"), within_s=1.0)


async def test_without_a_status_folder_the_requested_vips_count(manifests: Path) -> None:
    async with synced(DirectorySource(manifests, ALL)) as reader:
        assert vips_are("web", "203.0.113.1")(reader)


async def test_a_word_about_pending_is_no_change_of_the_service(manifests: Path, status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    async with synced(DirectorySource(manifests, ALL, status=status)) as reader:
        await writer.write_pending(WEB, "noFreeAddress", "none")
        assert not await reader.read_for(0.2)


async def test_vips_are_there_again_after_a_restart_before_synced(manifests: Path, status: Path) -> None:
    await DirectoryStatusWriter(status).write_ingress(WEB, [VIP])
    async with synced(DirectorySource(manifests, ALL, status=status)) as reader:
        assert vips_are("web", "198.51.100.1")(reader)


async def test_services_are_synced_only_when_the_status_folder_is_there(manifests: Path, status: Path) -> None:
    async with living(DirectorySource(manifests, ALL, status=status)) as reader:
        await reader.until(lambda r: Kind.SERVICE in r.stale and Kind.NODE in r.synced)
        assert Kind.SERVICE not in reader.synced
        assert Kind.NODE not in reader.stale
        DirectoryStatusWriter(status)
        await reader.until(lambda r: Kind.SERVICE in r.synced and not r.stale)


@pytest.mark.parametrize("lose", [shutil.rmtree, move_away])
async def test_a_status_folder_that_is_lost_takes_no_vip_away(
    manifests: Path, status: Path, lose: Callable[[Path], object]
) -> None:
    await DirectoryStatusWriter(status).write_ingress(WEB, [VIP])
    async with synced(DirectorySource(manifests, ALL, status=status, pace=QUICK)) as reader:
        lose(status)
        await reader.until(lambda r: Kind.SERVICE in r.stale)
        await reader.read_for(SETTLED_S)
        assert vips_are("web", "198.51.100.1")(reader)
        await DirectoryStatusWriter(status).write_ingress(WEB, [VIP6])
        await reader.until(lambda r: not r.stale)
        assert vips_are("web", "2001:db8:100::1")(reader)


async def test_a_spoilt_status_file_keeps_the_last_vips_and_is_named(manifests: Path, status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    source = DirectorySource(manifests, ALL, status=status)
    async with synced(source) as reader:
        for text in ("{", '{"vips": ["everywhere"]}', '{"vips": 7}'):
            rename_into(status_path(status, WEB.key), text)
            await eventually(lambda: source.problems)
            assert not await reader.read_for(0.1)
        await writer.write_ingress(WEB, [VIP6])
        await reader.until(vips_are("web", "2001:db8:100::1"))
        assert not source.problems


async def test_a_new_service_of_the_same_name_does_not_inherit_what_was_forgotten(manifests: Path, status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    async with synced(DirectorySource(manifests, ALL, status=status, pace=QUICK)) as reader:
        (manifests / "web.yaml").unlink()
        await reader.until(lambda r: not r.has(Kind.SERVICE, "web"))
        await writer.forget(WEB)
        rename_into(manifests / "web.yaml", service("web"))
        await reader.until(lambda r: r.has(Kind.SERVICE, "web"))
        assert vips_are("web")(reader)


async def test_a_service_deleted_and_written_anew_keeps_its_vip(manifests: Path, status: Path) -> None:
    await DirectoryStatusWriter(status).write_ingress(WEB, [VIP])
    async with synced(DirectorySource(manifests, ALL, status=status, pace=QUICK)) as reader:
        text = (manifests / "web.yaml").read_text()
        (manifests / "web.yaml").unlink()
        await asyncio.sleep(0.2)
        rename_into(manifests / "web.yaml", text)
        assert not await reader.read_for(SETTLED_S)
        assert vips_are("web", "198.51.100.1")(reader)


async def test_a_writer_killed_in_the_middle_leaves_the_old_file_in_force(manifests: Path, status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    await writer.write_ingress(WEB, [VIP])
    (status / "default" / ".web.json.tmp").write_text('{"vips": ["198.5')
    source = DirectorySource(manifests, ALL, status=status)
    async with synced(source) as reader:
        assert vips_are("web", "198.51.100.1")(reader)
        assert not source.problems
        await writer.write_ingress(WEB, [VIP6])
        await reader.until(vips_are("web", "2001:db8:100::1"))


async def test_no_permission_to_write_is_an_error_of_the_outside(status: Path) -> None:
    writer = DirectoryStatusWriter(status)
    (status / "default").write_text("in the way")
    with pytest.raises(OSError, match=r".+"):
        await writer.write_ingress(WEB, [VIP])
    assert files_in(status) == ["default"]
