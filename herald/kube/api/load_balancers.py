"""Watches Services of type LoadBalancer, and with them the EndpointSlices of these and of no others."""

import asyncio
import logging
from typing import NoReturn

import msgspec

from herald.kube.api.client import ApiClient
from herald.kube.api.decode import Head
from herald.kube.api.errors import ApiError, UnreachableError
from herald.kube.api.feed import ObjectFeed
from herald.kube.api.pace import Pace
from herald.kube.api.pages import list_pages
from herald.kube.api.problems import Problems
from herald.kube.api.reflector import Reflector, Selection
from herald.kube.api.resource import RESOURCES
from herald.kube.api.slices import SliceFeed
from herald.kube.api.words import KindWords
from herald.kube.objects import SERVICE_NAME_LABEL, Kind, ObjectKey
from herald.kube.source import Change, Changes, Gone, Synced, Upsert

log = logging.getLogger("herald.kube.api")

SERVICES = Selection(kind=Kind.SERVICE, field_selector="spec.type=LoadBalancer")
SLICES = Selection(kind=Kind.ENDPOINT_SLICE)
_FETCHES = "fetches"


class LoadBalancers:
    """Slices are listed once the Services are known, so that it is known which of them to keep."""

    def __init__(self, client: ApiClient, changes: Changes, problems: Problems, pace: Pace) -> None:
        self._client = client
        self._changes = changes
        self._pace = pace
        self._wake = asyncio.Event()
        self._services_listed = asyncio.Event()
        self._slices = SliceFeed(changes.post, problems, self._wake.set)
        self._slice_words = KindWords(Kind.ENDPOINT_SLICE, changes.post, [SLICES])
        services = ObjectFeed(Kind.SERVICE, self._post, problems)
        self._services_reflector = Reflector(
            client, SERVICES, services, KindWords(Kind.SERVICE, self._post, [SERVICES]), pace
        )

    def start(self, tasks: asyncio.TaskGroup) -> None:
        tasks.create_task(self._services_reflector.run())
        tasks.create_task(self._reflect_slices())
        tasks.create_task(self._fetch_on_demand())

    def _post(self, change: Change) -> None:
        """What is said of Services also decides whose slices are."""
        self._changes.post(change)
        match change:
            case Upsert():
                self._slices.claim(change.key)
            case Gone():
                self._slices.unclaim(change.key)
            case Synced():
                self._services_listed.set()

    async def _reflect_slices(self) -> NoReturn:
        await self._services_listed.wait()
        await Reflector(self._client, SLICES, self._slices, self._slice_words, self._pace).run()

    async def _fetch_on_demand(self) -> NoReturn:
        """One at a time: it happens when a Service becomes a load balancer that had endpoints before."""
        failures = 0
        while True:
            while self._slices.wanted:
                fetch = next(iter(self._slices.wanted.values()))
                try:
                    self._slices.fetched(fetch, await self._slices_of(fetch.service))
                    failures = 0
                except (ApiError, UnreachableError) as error:
                    self._slice_words.stale(_FETCHES, f"the EndpointSlices of {fetch.service} cannot be read: {error}")
                    await asyncio.sleep(self._pace.retry_after(failures))
                    failures += 1
            if not self._slices.is_listing:
                self._slice_words.fresh(_FETCHES)
            await self._wake.wait()
            self._wake.clear()

    async def _slices_of(self, service: ObjectKey) -> list[tuple[Head, msgspec.Raw]]:
        path = RESOURCES[Kind.ENDPOINT_SLICE].collection(service.namespace)
        query = [("labelSelector", f"{SERVICE_NAME_LABEL}={service.name}")]
        return [item async for page in list_pages(self._client, path, query) for item in page.items]
