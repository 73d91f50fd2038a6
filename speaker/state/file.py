"""One file of lines that is whole or counts for nothing: written beside, checksummed, renamed; read only by its own kind.

The first line says whose it is: format version, node, boot. The last one says how many lines there are and their checksum.
Nothing is synced to a disk: a file of another boot counts for nothing anyway. What cannot be used is set aside, never
deleted, so that somebody may look at it; the one set aside before is replaced.
"""

import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

VERSION: Final = 1
MODE: Final = 0o600
SET_ASIDE: Final = ".bad"
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a file is."""

    node: str
    boot: str
    version: int = VERSION


class _End(msgspec.Struct, frozen=True, kw_only=True):
    lines: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What is in the file."""

    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Why the file counts for nothing. `of_this_boot`: as far as can be told it was written on this boot."""

    why: str
    of_this_boot: bool


def this_boot() -> str:
    return BOOT_ID.read_text(encoding="ascii").strip()


def read(path: Path, origin: Origin) -> Whole | Unusable | None:
    """None: there is no file."""
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unusable(why=f"it cannot be read: {error.strerror}", of_this_boot=True)
    return (
        _foreign(octets, origin) or _body(octets) or Unusable(why="it is damaged: its checksum differs", of_this_boot=True)
    )


def set_aside(path: Path) -> None:
    path.replace(path.with_name(path.name + SET_ASIDE))


def _foreign(octets: bytes, origin: Origin) -> Unusable | None:
    """None: by its first line the file is ours, and of now."""
    try:
        theirs = msgspec.json.decode(octets.partition(b"\n")[0], type=Origin)
    except UNREADABLE:
        return Unusable(why="it is damaged: its first line says nothing", of_this_boot=True)
    of_this_boot = theirs.boot == origin.boot
    if theirs.version != origin.version:
        why = f"it has version {theirs.version} of the format, not {origin.version}"
    elif theirs.node != origin.node:
        why = f"it is that of node {theirs.node}"
    elif not of_this_boot:
        why = "it is that of an earlier boot"
    else:
        return None
    return Unusable(why=why, of_this_boot=of_this_boot)


def _body(octets: bytes) -> Whole | None:
    *lines, last, nothing = octets.split(b"\n") if octets.count(b"\n") > 1 else [b"", b"", b"cut"]
    with suppress(*UNREADABLE):
        end = msgspec.json.decode(last, type=_End)
        checked = octets[: len(octets) - len(last) - 1]
        if not nothing and end == _End(lines=len(lines), crc32=zlib.crc32(checked)):
            return Whole(lines=tuple(lines[1:]))
    return None


class Writer:
    """Writes the file beside the one that counts. It takes that one's place at the end of the context, if nothing failed."""

    def __init__(self, path: Path, origin: Origin) -> None:
        self._path = path
        self._new = path.with_name(f".{path.name}.new")
        self._lines = 0
        self._crc32 = 0
        with suppress(FileNotFoundError):
            self._new.unlink()
        self._file = os.fdopen(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, MODE), "wb")
        self.add([msgspec.json.encode(origin)])

    def add(self, lines: Iterable[bytes]) -> None:
        """Lines without their ends."""
        made = [line + b"\n" for line in lines]
        octets = b"".join(made)
        self._lines += len(made)
        self._crc32 = zlib.crc32(octets, self._crc32)
        self._file.write(octets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._file.close()
            self._new.unlink(missing_ok=True)
            return
        with self._file:
            self._file.write(msgspec.json.encode(_End(lines=self._lines, crc32=self._crc32)) + b"\n")
        self._new.replace(self._path)
