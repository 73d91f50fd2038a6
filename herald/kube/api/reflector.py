"""Keeps one selection of objects in step with the API server: list in pages, watch, list again.

- A watch that ends in order, or breaks and can be opened again at once, goes on where it was: nothing is stale.
- Whatever else goes wrong makes the kind stale, and ends with a whole list: only a list proves that nothing was missed.
- A kind that is not served: none of an optional one; else stale, and looked for again. What was said of it stays.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import NoReturn

from herald.kube.api.client import ApiClient, Query
from herald.kube.api.decode import EventType, WatchEvent, decode_event, decode_head
from herald.kube.api.errors import ApiError, GoneError, MalformedError, NotFoundError, UnreachableError, error_of
from herald.kube.api.feed import Feed
from herald.kube.api.lines import LineSplitter
from herald.kube.api.pace import Pace, jittered
from herald.kube.api.pages import list_pages
from herald.kube.api.resource import RESOURCES
from herald.kube.api.words import KindWords
from herald.kube.objects import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects of a kind."""

    kind: Kind
    namespace: str = ""
    field_selector: str = ""

    @property
    def path(self) -> str:
        return RESOURCES[self.kind].collection(self.namespace)

    @property
    def query(self) -> Query:
        return [("fieldSelector", self.field_selector)] if self.field_selector else []


class Reflector:
    """One task: `run` never returns; cancel it."""

    def __init__(self, client: ApiClient, selection: Selection, feed: Feed, words: KindWords, pace: Pace) -> None:
        self._client = client
        self._selection = selection
        self._feed = feed
        self._words = words
        self._pace = pace
        self._version = ""
        self._was_listed = False
        self._is_proven = False
        self._is_watching = False
        self._failures = 0

    async def run(self) -> NoReturn:
        while True:
            pause_s = self._pace.retry_after(self._failures)
            self._failures += 1  # until a watch has brought something
            try:
                await self._list()
                await self._follow()
            except GoneError:
                pass  # what was asked for is too old: nothing is known to be missed until the list that comes
            except NotFoundError:
                pause_s = self._not_served()
            except (ApiError, UnreachableError) as error:
                self._stale(f"{self._selection.kind} cannot be read: {error}")
            await asyncio.sleep(pause_s)

    async def _list(self) -> None:
        self._feed.begin_list()
        async for page in list_pages(self._client, self._selection.path, self._selection.query):
            for head, raw in page.items:
                self._feed.item(head, raw)
            self._version = page.resource_version
        self._feed.end_list(time.monotonic())
        self._was_listed = self._is_proven = True
        self._client.tally.lists[self._selection.kind] += 1
        self._words.listed(self._selection)
        self.say_fresh()

    def say_fresh(self) -> None:
        """While a deletion is held it is open what the reader shall see: the kind is not up to date yet."""
        if self._is_proven and not self._feed.holds:
            self._words.fresh(self._selection)

    async def _follow(self) -> NoReturn:
        """Watches on and on from where the list ended. Raises what ends it."""
        while True:
            self._is_watching = False
            pause_s = 0.0
            try:
                await self._watch()
            except UnreachableError as error:
                if isinstance(error, MalformedError) or not self._is_watching:
                    raise
                pause_s = self._pace.retry_after(self._failures)
            if self._failures:  # it has brought nothing, and was soon over
                pause_s = self._pace.retry_after(self._failures)
            self._failures += 1
            await asyncio.sleep(pause_s)

    async def _watch(self) -> None:
        lasts_s = round(self._pace.watch_s * random.uniform(1, 2))  # noqa: S311 -- not for secrets
        query = [
            *self._selection.query,
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", str(lasts_s)),
        ]
        async with self._client.stream(self._selection.path, query, lasts_s + self._pace.overdue_s) as pieces:
            self._is_watching = True
            self._client.tally.watches[self._selection.kind] += 1
            proven = asyncio.get_running_loop().call_later(self._pace.lived_s, self._succeed)
            try:
                splitter = LineSplitter()
                async for piece in pieces:
                    for line in splitter.feed(piece):
                        self._take(decode_event(line))
            finally:
                proven.cancel()

    def _succeed(self) -> None:
        self._failures = 0

    def _take(self, event: WatchEvent) -> None:
        if event.type is EventType.ERROR:  # comes with HTTP 200
            raise error_of(event.object)
        head = decode_head(event.object)
        if event.type is not EventType.BOOKMARK:
            self._feed.event(event.type, head, event.object, time.monotonic())
            self.say_fresh()
        self._version = head.resource_version
        self._succeed()

    def _not_served(self) -> float:
        """The time until it is looked for again."""
        if self._selection.kind.is_optional and not self._was_listed:
            self._words.listed(self._selection)
            self._words.fresh(self._selection)
            return jittered(self._pace.unserved_optional_s)
        self._stale(f"{self._selection.kind} is not served by the API server")
        return jittered(self._pace.unserved_s)

    def _stale(self, why: str) -> None:
        self._is_proven = False
        self._feed.lost()
        self._words.stale(self._selection, why)
