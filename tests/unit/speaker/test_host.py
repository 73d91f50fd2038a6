"""Whether the host is shutting down, by the files of its systemd and by its kubelet."""

import time
from pathlib import Path

import pytest

from herald.kube.objects import Node, NodeCondition, NodeStatus
from speaker.host import LOGINS, SCHEDULED, Host
from tests.builders import node

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def systemd(tmp_path: Path) -> Path:
    """As it is when the boot is over."""
    for name in (SCHEDULED, LOGINS):
        (tmp_path / name).parent.mkdir()
    (tmp_path / LOGINS).symlink_to(ID)
    return tmp_path


def schedule(systemd: Path, in_s: float) -> None:
    (systemd / SCHEDULED).write_text(f"USEC={int((time.time() + in_s) * 1e6)}\nWARN_WALL=1\nMODE=reboot\n")


def test_a_host_that_runs_is_not_shutting_down(systemd: Path) -> None:
    assert not Host(systemd).is_shutting_down(node())


def test_it_is_from_when_logins_are_closed(systemd: Path) -> None:
    host = Host(systemd)
    (systemd / LOGINS).unlink()
    assert host.is_shutting_down(None)


def test_a_host_that_never_had_logins_does_not_close_them(systemd: Path) -> None:
    (systemd / LOGINS).unlink()
    assert not Host(systemd).is_shutting_down(None)


@pytest.mark.parametrize(("in_s", "expected"), [(-5, True), (30, True), (3600, False)])
def test_a_shutdown_that_is_scheduled_counts_when_it_is_near(systemd: Path, in_s: float, *, expected: bool) -> None:
    schedule(systemd, in_s)
    assert Host(systemd).is_shutting_down(None) is expected


@pytest.mark.parametrize("text", [b"", b"USEC=soon\n", b"MODE=reboot\n", b"\xff\xfe"])
def test_a_file_that_is_not_understood_tells_nothing(systemd: Path, text: bytes) -> None:
    (systemd / SCHEDULED).write_bytes(text)
    assert not Host(systemd).is_shutting_down(None)


def test_where_nothing_is_mounted_only_the_kubelet_tells() -> None:
    assert not Host(None).is_shutting_down(None)
    assert Host(None).is_shutting_down(saying("node is shutting down"))
    assert not Host(None).is_shutting_down(saying("container runtime is down"))


def saying(message: str) -> Node:
    return Node(
        metadata=node().metadata,
        status=NodeStatus(conditions=[NodeCondition(type="Ready", status="False", message=message)]),
    )
