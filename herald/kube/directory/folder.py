"""One folder of the directory source: which files lie in it, and which of them differ from what was read.

Follows symbolic links, as mounted ConfigMaps need; passes over hidden names (.git, editors' files, Kubernetes' ..data).
Tells a folder that is gone from one that is empty: from the first nothing is learnt.
"""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from herald.kube.directory.manifest import Place
from herald.kube.directory.settled import Signature

_VANISHED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
SUFFIXES = {
    Place.MANIFESTS: frozenset({".yaml", ".yml", ".json"}),
    Place.SECRETS: frozenset({".yaml", ".yml", ".json"}),
    Place.STATUS: frozenset({".json"}),
}


class Identity(NamedTuple):
    """Tells one directory from another in its place: a mount, a checkout that was swapped in."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        return cls(status.st_dev, status.st_ino)


class FolderLostError(Exception):
    """The folder cannot be read; the text says why."""


@dataclass(slots=True)
class Found:
    """What a walk met. Nothing is known of what lies below `unreadable`."""

    files: dict[Path, Signature] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)

    def covers(self, path: Path) -> bool:
        return not any(path.is_relative_to(directory) for directory in self.unreadable)


class Folder:
    """`read` holds the signature of each file as last read, `again` those whose reading failed. `lost` says why, if so.

    `identity` is that of the directory to which `read` belongs.
    """

    def __init__(self, root: Path, place: Place, others: Iterable[Path] = ()) -> None:
        self.root = root
        self.place = place
        self.identity: Identity | None = None
        self.lost: str | None = None
        self.read: dict[Path, Signature] = {}
        self.again: set[Path] = set()
        self._others = frozenset(others)

    def identify(self) -> Identity:
        """Raises FolderLostError."""
        try:
            status = self.root.stat()
        except OSError as error:
            raise FolderLostError(f"cannot be read: {error.strerror}") from None
        if not stat.S_ISDIR(status.st_mode):
            raise FolderLostError("is not a directory")
        return Identity.of(status)

    def takes(self, path: Path) -> bool:
        """Whether the name is that of a file to read."""
        return path.suffix in SUFFIXES[self.place]

    def walk(self, below: Path) -> Found:
        """All files to read below a directory of the folder. Raises FolderLostError when the root cannot be listed."""
        found = Found()
        around = (each for each in (below, *below.parents) if each.is_relative_to(self.root))
        try:
            self._walk(below, frozenset(Identity.of(each.stat()) for each in around), found)
        except FileNotFoundError:
            return found  # it is gone already, and so is all below it
        if self.root in found.unreadable:
            raise FolderLostError(f"cannot be read: {found.unreadable[self.root]}")
        return found

    def accept(self, identity: Identity, found: Found) -> None:
        """The folder is this directory now. Raises FolderLostError if it is empty where another one held files."""
        if self.identity not in {None, identity} and self.read and not found.files:
            raise FolderLostError("is another directory than before, and empty: unmounted?")
        self.identity = identity

    def differing(self, below: Path, found: Found) -> set[Path]:
        """The files below a directory that have to be read (again), those that vanished included."""
        known = {path for path in self.read.keys() | self.again if below == self.root or path.is_relative_to(below)}
        vanished = {path for path in known - found.files.keys() if found.covers(path)}
        written = {path for path, signature in found.files.items() if self.read.get(path) != signature}
        return written | vanished | (self.again & found.files.keys())

    def sort_hints(self, hints: Iterable[Path]) -> tuple[set[Path], set[Path]]:
        """The files to read and the directories to walk, for paths in this folder of which the kernel reported a change."""
        files: set[Path] = set()
        directories: set[Path] = set()
        for hint in hints:
            path = self._visible(hint)
            if path is None:
                continue
            if path.is_dir() or (not self.takes(path) and any(known.is_relative_to(path) for known in self.read)):
                directories.add(path)
            elif self.takes(path):
                files.add(path)
        return files, directories

    def _visible(self, hint: Path) -> Path | None:
        """None for what is hidden; the folder of a ..data link, which swaps all files of a mounted ConfigMap at once."""
        parts = hint.relative_to(self.root).parts
        for depth, part in enumerate(parts):
            if part.startswith(".."):
                return self.root.joinpath(*parts[:depth])
            if part.startswith("."):
                return None
        return hint

    def _walk(self, directory: Path, ancestors: frozenset[Identity], found: Found) -> None:
        try:
            with os.scandir(directory) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if error.errno not in _VANISHED or directory == self.root:
                found.unreadable[directory] = error.strerror or str(error)
            return
        for entry in visible:
            path = directory / entry.name
            try:
                status = entry.stat()
            except OSError as error:
                if error.errno not in _VANISHED:
                    found.unreadable[path] = error.strerror or str(error)
                continue
            if stat.S_ISDIR(status.st_mode):
                identity = Identity.of(status)
                if identity not in ancestors and path not in self._others:
                    self._walk(path, ancestors | {identity}, found)
            elif self.takes(path):
                found.files[path] = Signature.of(status)


def exposed(root: Path, path: Path) -> str | None:
    """Why a file of secrets may not be used: what of it, or of the folders above it, others than its owner may touch.

    Raises OSError.
    """
    for each in (path, *(parent for parent in path.parents if parent.is_relative_to(root))):
        mode = stat.S_IMODE(each.stat().st_mode)
        if mode & 0o077:
            return f"{each} has mode {mode:04o}: others may read or change it"
    return None
