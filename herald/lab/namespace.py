"""Network namespaces by name: work done inside one, the processes inside one, and the end of both.

Never touches a namespace whose name does not belong to the lab that it is asked about, nor any process outside of it.
A process belongs to a namespace when the namespace of its main thread is that one (the inode of /proc/PID/ns/net).
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from herald.lab.command import LabError

NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
KILL_TIMEOUT_S = 10.0

T = TypeVar("T")


def inside(namespace: str, work: Callable[[], T]) -> T:
    """The result of `work` done in the namespace, by a thread that ends with it; a socket opened there stays there."""

    def enter_and_work() -> T:
        libc = ctypes.CDLL(None, use_errno=True)
        with (NAMESPACES / namespace).open("rb") as handle:
            if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                raise LabError(f"cannot enter namespace {namespace}: {os.strerror(ctypes.get_errno())}")
        return work()

    with ThreadPoolExecutor(max_workers=1) as own_thread:
        return own_thread.submit(enter_and_work).result()


def set_sysctls(namespace: str, settings: Mapping[str, str]) -> None:
    """Writes below /proc/sys/net, which shows the namespace of the thread that looks."""

    def write() -> None:
        for name, value in settings.items():
            Path("/proc/sys/net", name).write_text(value)

    inside(namespace, write)


def of_lab(lab: str) -> list[str]:
    """Names of the namespaces that the lab has now. A lab's name has no dash, so no other lab's begin the same."""
    if not NAMESPACES.is_dir():
        return []
    return sorted(entry.name for entry in NAMESPACES.iterdir() if entry.name.startswith(f"hl-{lab}-"))


def processes_in(namespaces: Iterable[str]) -> list[int]:
    """Process ids of everything that runs in these namespaces."""
    inodes = {_inode(NAMESPACES / name) for name in namespaces} - {None}
    pids = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [int(entry.name) for entry in pids if _inode(entry / "ns/net") in inodes]


def kill_all_in(namespaces: Iterable[str]) -> None:
    """SIGKILL to everything in these namespaces, until nothing is left; what it forks meanwhile included."""
    names = list(namespaces)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while pids := processes_in(names):
        if time.monotonic() > deadline:
            raise LabError(f"processes {pids} in {names} do not end")
        for pid in pids:
            _kill(pid)
        time.sleep(0.005)


def remove(namespaces: Iterable[str]) -> None:
    """Deletes the namespaces, and with them their devices. Sockets that this process holds there keep theirs alive."""
    for name in namespaces:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
