"""What a program makes of the words of a source: the state of the world, and the words one by one for the tests."""

import asyncio
from collections.abc import Callable

from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Change, Changes, Fresh, Gone, Stale, Synced, Upsert


class Reader:
    """Takes changes when told to, as slowly or as quickly as a test likes."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.objects: dict[tuple[Kind, ObjectKey], KubeObject] = {}
        self.words: list[Change] = []
        self.synced: set[Kind] = set()
        self.stale: set[Kind] = set()

    async def until(self, claim: Callable[["Reader"], object], within_s: float = 5.0) -> None:
        """Reads on until the claim is true; fails when it is not in time."""
        try:
            async with asyncio.timeout(within_s):
                while not claim(self):
                    self._apply(await self._changes.take())
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s; read {self.words}") from None

    async def read_for(self, seconds: float) -> list[Change]:
        """The words of the next seconds: for claims that nothing happens."""
        before = len(self.words)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._apply(await self._changes.take())
        except TimeoutError:
            return self.words[before:]

    def has(self, kind: Kind, name: str, namespace: str = "default") -> bool:
        return (kind, ObjectKey(namespace, name)) in self.objects

    def get(self, kind: Kind, name: str, namespace: str = "default") -> KubeObject:
        return self.objects[kind, ObjectKey(namespace, name)]

    def _apply(self, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case Upsert():
                    self.objects[change.kind, change.key] = change.object
                case Gone():
                    self.objects.pop((change.kind, change.key), None)
                case Synced():
                    self.synced.add(change.kind)
                case Stale():
                    self.stale.add(change.kind)
                case Fresh():
                    self.stale.discard(change.kind)
        self.words += changes
