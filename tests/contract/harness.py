"""What the contract suite needs of a source and of the outside that it watches: one harness for each source."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from herald.kube.directory import DirectorySource
from herald.kube.directory.pace import Pace
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Changes
from tests.contract.reader import Reader

Manifest = dict[str, Any]


class SourceHarness(Protocol):
    """The outside, and one life of the source after the other. What is done to it may take `removal_s` to be said."""

    removal_s: float

    def life(self, kinds: frozenset[Kind]) -> contextlib.AbstractAsyncContextManager[Reader]:
        """Starts the source; ends it at the end. The outside stays."""

    async def apply(self, manifest: Manifest) -> None:
        """Creates or updates an object. Works also while the outside is broken: others still reach it."""

    async def delete(self, kind: Kind, key: ObjectKey) -> None: ...

    async def break_outside(self) -> None:
        """The source can no longer read."""

    async def mend_outside(self) -> None: ...

    def named(self, key: ObjectKey) -> bool:
        """Whether the source says of this object that something is wrong with it."""

    def withheld(self, kind: Kind, key: ObjectKey) -> bool:
        """Whether the source says that this object may exist, though it does not report it."""


class DirectoryHarness:
    """A file per object; broken means moved away."""

    removal_s = 0.8

    def __init__(self, directory: Path) -> None:
        self._manifests = directory / "manifests"
        self._secrets = directory / "secrets"
        self._elsewhere = directory / "moved"
        self._manifests.mkdir()
        self._secrets.mkdir(mode=0o700)
        self._source: DirectorySource | None = None

    @asynccontextmanager
    async def life(self, kinds: frozenset[Kind]) -> AsyncIterator[Reader]:
        changes = Changes()
        self._source = DirectorySource(self._manifests, kinds, self._secrets, pace=Pace(removal_s=0.5))
        running = asyncio.create_task(self._source.run(changes))
        try:
            yield Reader(changes)
        finally:
            running.cancel()
            async with asyncio.timeout(1.0):
                with contextlib.suppress(asyncio.CancelledError):
                    await running

    async def apply(self, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        path = self._path(Kind(manifest["kind"]), ObjectKey(metadata.get("namespace", "default"), metadata["name"]))
        temporary = path.with_name(f".{path.name}")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(manifest))
        temporary.replace(path)

    async def delete(self, kind: Kind, key: ObjectKey) -> None:
        self._path(kind, key).unlink()

    async def break_outside(self) -> None:
        self._manifests.rename(self._elsewhere)

    async def mend_outside(self) -> None:
        self._elsewhere.rename(self._manifests)

    def named(self, key: ObjectKey) -> bool:
        return self._source is not None and any(str(key) in problem.message for problem in self._source.problems)

    def withheld(self, kind: Kind, key: ObjectKey) -> bool:
        return self._source is not None and self._source.withholds(kind, key)

    def _path(self, kind: Kind, key: ObjectKey) -> Path:
        manifests = self._elsewhere if self._elsewhere.exists() else self._manifests
        folder = self._secrets if kind is Kind.SECRET else manifests
        return folder / f"{kind}.{key.namespace}.{key.name}.json"
