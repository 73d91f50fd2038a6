"""The directory source: objects from manifest files, for machines without a cluster, for labs and for tests.

- Work is proportional to the change: only files that changed are read, only documents that changed are parsed.
- A half-written file, one that is wrong or unreadable, a folder that is lost: none of them changes anything. Each is
  named in `problems`.
- A removal counts after 2 s.
- Secrets come from a folder of their own that nobody else may read.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from herald.kube.directory.contents import Contents
from herald.kube.directory.folder import Folder, FolderLostError, Found, Identity
from herald.kube.directory.manifest import Place
from herald.kube.directory.pace import USUAL, Pace
from herald.kube.directory.problems import Problems, SourceProblem
from herald.kube.directory.report import Report
from herald.kube.directory.watch import Watch
from herald.kube.directory.words import Words
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Changes


class DirectorySource:
    """A Source. `secrets` None: no Secrets. `status` None: a Service has the VIPs that it requests.

    Runs once; for a new life make a new one.
    """

    def __init__(
        self,
        manifests: Path,
        kinds: frozenset[Kind],
        secrets: Path | None = None,
        status: Path | None = None,
        pace: Pace = USUAL,
    ) -> None:
        # Statuses are read first: one that was forgotten must not meet a new Service of its name.
        places = {Place.STATUS: status, Place.SECRETS: secrets, Place.MANIFESTS: manifests}
        roots = {place: path.absolute() for place, path in places.items() if path is not None}
        self._folders = [Folder(root, place, roots.values()) for place, root in roots.items()]
        self._pace = pace
        self._problems = Problems()
        self._contents = Contents(kinds, pace, self._problems)
        self._words = Words(kinds, self._folders, self._contents)
        self._watch = Watch()
        self._watched: dict[Path, Identity] = {}
        self._scan_at = 0.0

    @property
    def problems(self) -> tuple[SourceProblem, ...]:
        """What is wrong with the files now."""
        return self._problems.all

    def withholds(self, _kind: Kind, _key: ObjectKey) -> bool:
        """Whether an object may exist though it was not said: there are files that say something that is not understood."""
        return not self._contents.is_understood or any(folder.again for folder in self._folders)

    async def run(self, changes: Changes) -> None:
        has_statuses = any(folder.place is Place.STATUS for folder in self._folders)
        report = Report(self._contents, self._problems, changes, has_statuses=has_statuses)
        try:
            while True:
                await self._read_changed()
                self._contents.expire(time.monotonic(), [folder for folder in self._folders if folder.lost])
                report.say()
                self._words.say(changes)
                await self._watch.wait(self._pause_s())
        finally:
            await self._watch.close()

    async def _read_changed(self) -> None:
        present = self._look_at_folders()
        due = time.monotonic() >= self._scan_at
        everything = await self._follow(present, retry=due) or due
        if everything:
            self._scan_at = time.monotonic() + (self._pace.scan_s if self._watch.alive else self._pace.scan_unwatched_s)
        hints = self._watch.take()
        for folder, identity in present.items():
            whole = everything or folder.lost is not None or folder.identity != identity
            hinted = [hint for hint in hints if self._folder_of(hint) is folder]
            await self._read_folder(folder, identity, {folder.root} if whole else set(), hinted)

    def _look_at_folders(self) -> dict[Folder, Identity]:
        """Those that are there."""
        present: dict[Folder, Identity] = {}
        for folder in self._folders:
            try:
                present[folder] = folder.identify()
            except FolderLostError as error:
                self._lose(folder, str(error))
        return present

    async def _follow(self, present: Mapping[Folder, Identity], *, retry: bool) -> bool:
        """Watches the folders that are there. True if it is a new watch, before which changes may have gone unheard."""
        wanted = {folder.root: identity for folder, identity in present.items()}
        if wanted == self._watched and (self._watch.alive or not retry):
            return False
        self._watched = wanted
        try:
            await self._watch.follow(wanted)
        except (OSError, RuntimeError) as error:  # the latter is what watchfiles makes of an odd errno
            hint = f"all files are compared every {self._pace.scan_unwatched_s:g} s instead; see fs.inotify in sysctl"
            root = self._folders[-1].root
            self._problems.put(self._watch, [SourceProblem(path=root, message=f"cannot be watched: {error}", hint=hint)])
        else:
            self._problems.put(self._watch)
        return True

    async def _read_folder(self, folder: Folder, identity: Identity, walks: set[Path], hints: Iterable[Path]) -> None:
        """Reads the files of a folder that changed: those hinted at, and what differs below the directories to walk."""
        files, directories = folder.sort_hints(hints)
        if directories:
            self._scan_at = min(self._scan_at, time.monotonic() + self._pace.scan_new_s)
        try:
            for below in walks or directories:  # in threads: there may be thousands of files
                found = await asyncio.to_thread(folder.walk, below)
                if below == folder.root:
                    folder.accept(identity, found)
                    self._name_unreadable(folder, found)
                files |= await asyncio.to_thread(folder.differing, below, found)
        except FolderLostError as error:
            self._lose(folder, str(error))
            return
        if folder.lost is not None:
            folder.lost = None
            self._problems.put(folder)
        await self._read_files(folder, files | self._contents.waiting_in(folder))

    async def _read_files(self, folder: Folder, paths: Iterable[Path]) -> None:
        pause_at = time.monotonic() + self._pace.turn_s
        for path in sorted(paths):
            await self._contents.take(folder, path, time.monotonic())
            if time.monotonic() > pause_at:
                await asyncio.sleep(0)
                pause_at = time.monotonic() + self._pace.turn_s

    def _lose(self, folder: Folder, why: str) -> None:
        folder.lost = why
        hint = "nothing is removed; what was read last stays in force until it is back"
        self._problems.put(folder, [SourceProblem(path=folder.root, message=why, hint=hint)])

    def _name_unreadable(self, folder: Folder, found: Found) -> None:
        self._problems.put(
            (folder, "unreadable"),
            [
                SourceProblem(path=path, message=f"cannot be read: {why}", hint="what was read there stays in force")
                for path, why in found.unreadable.items()
            ],
        )

    def _folder_of(self, path: Path) -> Folder | None:
        """The innermost, since one folder may lie in another."""
        around = [folder for folder in self._folders if path.is_relative_to(folder.root)]
        return max(around, key=lambda folder: len(folder.root.parts), default=None)

    def _pause_s(self) -> float:
        return self._pace.poll_waiting_s if self._contents.is_waiting else self._pace.poll_folders_s
