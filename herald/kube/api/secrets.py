"""Watches Secrets one by one, by name: nobody has to let Herald list others. Which ones may change at any time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from herald.kube.api.client import ApiClient
from herald.kube.api.feed import ObjectFeed
from herald.kube.api.pace import Pace
from herald.kube.api.problems import Problems
from herald.kube.api.reflector import Reflector, Selection
from herald.kube.api.words import KindWords
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Changes


@dataclass(frozen=True, slots=True)
class _Watched:
    feed: ObjectFeed
    selection: Selection
    task: asyncio.Task[None]


class SecretWatches:
    """One reflector for each Secret. The kind is Synced when those that were wanted at first have been listed."""

    def __init__(
        self,
        client: ApiClient,
        changes: Changes,
        problems: Problems,
        pace: Pace,
        tasks: asyncio.TaskGroup,
        wanted: Iterable[ObjectKey],
    ) -> None:
        self._client = client
        self._changes = changes
        self._problems = problems
        self._pace = pace
        self._tasks = tasks
        self._watched: dict[ObjectKey, _Watched] = {}
        first = frozenset(wanted)
        self._words = KindWords(Kind.SECRET, changes.post, [_by_name(key) for key in first])
        self._words.check()
        self.want(first)

    def want(self, keys: Iterable[ObjectKey]) -> None:
        """Exactly these from now on; those that are not among them any more are gone, for the reader."""
        wanted = frozenset(keys)
        for key in sorted(self._watched.keys() - wanted):
            watched = self._watched.pop(key)
            watched.task.cancel()
            watched.feed.close()
            self._words.drop(watched.selection)
        for key in sorted(wanted - self._watched.keys()):
            selection = _by_name(key)
            feed = ObjectFeed(Kind.SECRET, self._changes.post, self._problems)
            reflector = Reflector(self._client, selection, feed, self._words, self._pace)
            self._watched[key] = _Watched(feed, selection, self._tasks.create_task(reflector.run()))


def _by_name(key: ObjectKey) -> Selection:
    return Selection(kind=Kind.SECRET, namespace=key.namespace, field_selector=f"metadata.name={key.name}")
