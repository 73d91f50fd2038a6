"""What is written down about labs in /run/herald-lab, so that another process finds, uses and clears them away.

A lab belongs to the process that holds the lock on LAB.lock; the kernel lets go of the lock when that process ends,
however it ends. A lab whose lock nobody holds is stale, unless its record says that it was left running on purpose.
"""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from herald.lab import namespace
from herald.lab.command import LabError
from herald.lab.topology import Settings, Shape, Topology, build

LABS = Path("/run/herald-lab")
LAB_NAME_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What lab.json says. The topology follows from shape and settings."""

    name: str
    shape: Shape
    settings: Settings
    owner_pid: int
    left_running: bool = False

    @classmethod
    def of(cls, name: str, topology: Topology, *, left_running: bool) -> Self:
        shape, settings = topology.shape, topology.settings
        return cls(name=name, shape=shape, settings=settings, owner_pid=os.getpid(), left_running=left_running)

    @property
    def topology(self) -> Topology:
        return build(self.shape, self.settings)


RECORD = TypeAdapter(Record)


@dataclass(slots=True)
class Claim:
    """The right to a lab's name, as long as this process lives or until it is released."""

    name: str
    _lock: int

    @classmethod
    def take(cls, name: str) -> Self | None:
        """None if another process holds it."""
        if not is_name(name):
            raise LabError(f"a lab's name is 1 to {LAB_NAME_MAX} letters and digits, not {name!r}")
        LABS.mkdir(parents=True, exist_ok=True)
        path = LABS / f"{name}.lock"
        while True:
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return None
            # The one who held it before may have removed the file between our open and our lock.
            if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
                return cls(name, lock)
            os.close(lock)

    def release(self, *, keep_file: bool = False) -> None:
        if not keep_file:
            (LABS / f"{self.name}.lock").unlink(missing_ok=True)
        os.close(self._lock)


def is_name(name: str) -> bool:
    """No dash and no slash: namespaces hl-NAME-MACHINE and the directory are the lab's alone. Short, as device names are."""
    return name.isascii() and name.isalnum() and len(name) <= LAB_NAME_MAX


def directory(name: str) -> Path:
    return LABS / name


def write(record: Record) -> None:
    path = directory(record.name) / "lab.json"
    path.with_suffix(".new").write_bytes(RECORD.dump_json(record, indent=2))
    path.with_suffix(".new").rename(path)


def read(name: str) -> Record | None:
    """The lab's record; None if there is no such lab, or not yet, or what is written there is no record."""
    try:
        return RECORD.validate_json((directory(name) / "lab.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def names() -> list[str]:
    """Of all labs that left anything behind here."""
    if not LABS.is_dir():
        return []
    return sorted({name for entry in LABS.iterdir() if is_name(name := entry.name.removesuffix(".lock"))})


def clear(name: str) -> None:
    """Ends everything in the lab's namespaces and removes them and the lab's directory. Idempotent. Needs the claim."""
    namespaces = namespace.of_lab(name)
    namespace.kill_all_in(namespaces)
    namespace.remove(namespaces)
    shutil.rmtree(directory(name), ignore_errors=True)
    if left := namespace.of_lab(name):
        raise LabError(f"namespaces {', '.join(left)} of lab {name} cannot be deleted")


def sweep() -> list[str]:
    """Clears every stale lab away: its owner is gone and did not leave it running on purpose. Returns their names."""
    stale = []
    for name in names():
        claim = Claim.take(name)
        if claim is None:
            continue
        record = read(name)
        left_running = record is not None and record.left_running
        if not left_running:
            clear(name)
            stale.append(name)
        claim.release(keep_file=left_running)
    return stale
