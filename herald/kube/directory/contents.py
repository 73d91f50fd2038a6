"""What the files of all folders say: reads one file at a time into the definitions, and names what is wrong with it.

A file that cannot be read, or not yet, changes nothing. One that is gone gives up its objects after a while.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bgp_config.status.drain import DrainStatus
from herald.kube.directory.decode import Flaw, ObjectId
from herald.kube.directory.definitions import Definitions
from herald.kube.directory.drains import DRAINS, read_drain, subject
from herald.kube.directory.folder import Folder, exposed
from herald.kube.directory.manifest import Manifest, ManifestReader, Place
from herald.kube.directory.pace import Pace
from herald.kube.directory.problems import Problems, SourceProblem
from herald.kube.directory.settled import Settled, Signature, Unsettled, read_settled
from herald.kube.directory.status import StatusFile, read_status, status_key
from herald.kube.objects import Kind, KubeObject, ObjectKey

AnyStatus: TypeAlias = StatusFile | DrainStatus
_LARGE = 65_536
"""Bytes from which on a file is parsed in a thread, so that nothing else waits for it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A file seen unsettled: the signature it had, and since when it has had it."""

    folder: Folder
    signature: Signature
    since: float


class Contents:
    """Owner of the definitions: objects by kind and key, statuses by the key of their files."""

    def __init__(self, kinds: frozenset[Kind], pace: Pace, problems: Problems) -> None:
        self.objects: Definitions[ObjectId, KubeObject] = Definitions()
        self.statuses: Definitions[ObjectKey, AnyStatus] = Definitions()
        self._readers = {place: ManifestReader(kinds=kinds, place=place) for place in Place}
        self._manifests: dict[Path, Manifest] = {}
        self._waiting: dict[Path, _Waiting] = {}
        self._pace = pace
        self._problems = problems

    @property
    def is_waiting(self) -> bool:
        """Whether someone is writing a file, so that it has to be looked at again soon."""
        return bool(self._waiting)

    @property
    def is_understood(self) -> bool:
        """Whether everything that was read says what it is."""
        return not self._waiting and not any(manifest.flaws for manifest in self._manifests.values())

    def waiting_in(self, folder: Folder) -> set[Path]:
        """The files of a folder that someone is writing."""
        return {path for path, waiting in self._waiting.items() if waiting.folder is folder}

    def leaves(self, folder: Folder) -> bool:
        """Whether something is about to be gone from a folder."""
        return any(path.is_relative_to(folder.root) for path in self._of(folder).leaving())

    async def take(self, folder: Folder, path: Path, now: float) -> None:
        """Reads what the file says now. Keeps the folder's account of what was read."""
        try:
            if folder.place is Place.SECRETS and (why := exposed(folder.root, path)):
                self._refuse(folder, path, why, "chmod the files 0600 and the folder 0700")
                return
            waiting = self._waiting.get(path)
            unchanged_s = now - waiting.since if waiting else 0.0
            reading = read_settled(path, folder.read.get(path), unchanged_s, self._pace)
        except (FileNotFoundError, NotADirectoryError):
            self._gone(folder, path, now)
        except OSError as error:
            self._refuse(folder, path, f"cannot be read: {error.strerror}", "its last good form stays in force")
        else:
            match reading:
                case Unsettled(signature):
                    self._wait(folder, path, signature, now)
                case Settled(content, signature):
                    self._waiting.pop(path, None)
                    folder.again.discard(path)
                    folder.read[path] = signature
                    await self._define(folder, path, content, now)

    def expire(self, now: float, lost: Iterable[Folder]) -> None:
        """What was removed long enough ago is gone. In a folder that is lost the time does not run."""
        for folder in lost:
            self._of(folder).put_off(folder.root, now + self._pace.removal_s)
        self.objects.expire(now)
        self.statuses.expire(now)

    def _of(self, folder: Folder) -> Definitions[ObjectId, KubeObject] | Definitions[ObjectKey, AnyStatus]:
        return self.statuses if folder.place is Place.STATUS else self.objects

    def _gone(self, folder: Folder, path: Path, now: float) -> None:
        self._waiting.pop(path, None)
        folder.again.discard(path)
        folder.read.pop(path, None)
        self._manifests.pop(path, None)
        self._problems.put(path)
        if folder.place is not Place.STATUS:
            self.objects.define(path, {}, now + self._pace.removal_s, _nothing)
        elif key := status_key(folder.root, path):
            # Of an object that is gone too its status counts no longer, so that a new one of that name starts afresh.
            orphaned = not self.objects.holders(subject(key))
            self.statuses.define(path, {}, now if orphaned else now + self._pace.removal_s, _nothing)

    def _refuse(self, folder: Folder, path: Path, message: str, hint: str) -> None:
        self._waiting.pop(path, None)
        folder.again.add(path)
        self._problems.put(path, [SourceProblem(path=path, message=message, hint=hint)])

    def _wait(self, folder: Folder, path: Path, signature: Signature, now: float) -> None:
        waiting = self._waiting.get(path)
        if waiting is None or waiting.signature != signature:
            self._waiting[path] = _Waiting(folder, signature, now)
        elif now - waiting.since > self._pace.long_open_s:
            hint = "its last good form stays in force until it is closed"
            self._problems.put(path, [SourceProblem(path=path, message="is held open for writing", hint=hint)])

    async def _define(self, folder: Folder, path: Path, content: bytes, now: float) -> None:
        if folder.place is Place.STATUS:
            self._define_status(folder, path, content, now)
            return
        read, before = self._readers[folder.place].read, self._manifests.get(path, Manifest())
        if len(content) < _LARGE:
            manifest = read(content, path.suffix, before)
        else:
            manifest = await asyncio.to_thread(read, content, path.suffix, before)
        self._manifests[path] = manifest
        self._problems.put(path, (_problem(path, number, flaw) for number, flaw in manifest.flaws))
        self.objects.define(path, manifest.objects, now + self._pace.removal_s, manifest.keeps)

    def _define_status(self, folder: Folder, path: Path, content: bytes, now: float) -> None:
        key = status_key(folder.root, path)
        if key is None:
            flaw = Flaw(message="no <namespace>/<name>.json", hint="nothing else belongs into the folder of statuses")
            self._problems.put(path, [_problem(path, None, flaw)])
            return
        match read_drain(content) if key.namespace == DRAINS else read_status(content):
            case Flaw() as flaw:
                self._problems.put(path, [_problem(path, None, flaw)])
            case status:
                self._problems.put(path)
                self.statuses.define(path, {key: status}, now, _nothing)


def _nothing(_: object) -> bool:
    return False


def _problem(path: Path, document: int | None, flaw: Flaw) -> SourceProblem:
    message = flaw.message if flaw.line is None else f"line {flaw.line}: {flaw.message}"
    return SourceProblem(path=path, document=document, message=message, hint=flaw.hint)
