"""List, watch, list again: against a server that fails in every way that it can."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import pytest

from herald.kube.api.errors import ApiError, ForbiddenError, GoneError, NotFoundError, UnreachableError
from herald.kube.api.feed import ObjectFeed
from herald.kube.api.pace import Pace
from herald.kube.api.problems import Problems
from herald.kube.api.reflector import Reflector, Selection
from herald.kube.api.words import KindWords
from herald.kube.objects import Kind
from herald.kube.source import Changes, Stale
from tests.contract.reader import Reader
from tests.unit.herald.kube.api.server import Answer, Said, Server, error_event, event, page, running

NODES = "/api/v1/nodes"
QUICK = Pace(retry_first_s=0.01, retry_last_s=0.1, unserved_s=0.02, unserved_optional_s=0.02)
CUT = UnreachableError("cut")


def node(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def in_turn(*answers: Answer) -> Callable[[str], Answer]:
    """The last one again and again."""
    waiting = list(answers)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@asynccontextmanager
async def reflecting(server: Server, kind: Kind = Kind.NODE, pace: Pace = QUICK) -> AsyncIterator[Reader]:
    changes = Changes()
    selection = Selection(kind=kind)
    words = KindWords(kind, changes.post, [selection])
    reflector = Reflector(server, selection, ObjectFeed(kind, changes.post, Problems()), words, pace)
    async with running(asyncio.create_task(reflector.run())):
        yield Reader(changes)


def has(*names: str) -> Callable[[Reader], bool]:
    return lambda reader: {key.name for _, key in reader.objects} == set(names)


def whys(reader: Reader) -> list[str]:
    return [word.why for word in reader.words if isinstance(word, Stale)]


async def test_a_list_is_read_page_by_page_and_the_watch_goes_on_from_its_version() -> None:
    pages = in_turn(page(node("one"), version=7, after="more"), page(node("two"), version=7))
    server = Server(
        pages, [[event("ADDED", node("three", 8)), event("DELETED", node("one", 9))], [event("ADDED", node("four", 10))]]
    )
    async with reflecting(server) as reader:
        await reader.until(has("two", "three", "four"))
        assert server.watched_from[:2] == ["7", "9"]


async def test_an_event_that_comes_in_pieces_is_one_event() -> None:
    line = event("ADDED", node("one", 2))
    async with reflecting(Server(in_turn(page()), [[line[:20], line[20:]]])) as reader:
        await reader.until(has("one"))


@pytest.mark.parametrize("gone", [[error_event(410)], [GoneError(410, "Expired", "too old")]])
async def test_a_watch_that_is_told_410_lists_again_and_nothing_was_stale(gone: Sequence[Said]) -> None:
    server = Server(in_turn(page(node("one"), node("two")), page(node("two"), node("three"), version=9)), [gone])
    async with reflecting(server) as reader:
        await reader.until(has("two", "three"))
        assert server.watched_from[0] == "1"
        assert whys(reader) == []


async def test_a_list_that_is_told_410_in_the_middle_begins_again_and_nothing_vanishes() -> None:
    first = page(node("one"), node("two"), after="more")
    server = Server(in_turn(first, GoneError(410, "Expired", "too old"), first, page(node("three"))))
    async with reflecting(server) as reader:
        await reader.until(has("one", "two", "three"))
        await reader.until(lambda r: Kind.NODE in r.synced)
        assert whys(reader) == []


@pytest.mark.parametrize(
    "failure", [[CUT], [error_event(500)], [ForbiddenError(403, "Forbidden", "no")], [b"<html>proxy error</html>\n"]]
)
async def test_whatever_else_ends_a_watch_makes_it_stale_until_a_list_was_read(failure: Sequence[Said]) -> None:
    server = Server(in_turn(page(node("one")), page(node("two"))), [failure])
    async with reflecting(server) as reader:
        await reader.until(lambda r: has("two")(r) and not r.stale)
        assert len(whys(reader)) == 1
        assert whys(reader)[0].startswith("Node cannot be read: ")


async def test_a_watch_that_breaks_and_can_be_opened_again_goes_on_and_is_not_stale() -> None:
    server = Server(in_turn(page(version=5)), [[event("ADDED", node("one", 6)), CUT], [event("ADDED", node("two", 7))]])
    async with reflecting(server) as reader:
        await reader.until(has("one", "two"))
        assert server.watched_from[:2] == ["5", "6"]
        assert server.calls[f"list {NODES}"] == 1
        assert whys(reader) == []


@pytest.mark.parametrize("watches", [repeat([CUT]), repeat([error_event(410)]), repeat([]), repeat([b"", CUT])])
async def test_what_fails_again_and_again_is_asked_ever_more_slowly(watches: Iterable[Sequence[Said]]) -> None:
    server = Server(in_turn(page()), watches)
    async with reflecting(server) as reader:
        await reader.read_for(0.5)
    assert sum(server.calls.values()) < 40


async def test_a_quiet_watch_that_lasted_is_opened_again_at_once_and_is_no_failure() -> None:
    server = Server(in_turn(page()), repeat([0.05]))
    async with reflecting(server, pace=Pace(lived_s=0.01, retry_first_s=60.0, retry_last_s=60.0)) as reader:
        await reader.until(lambda r: Kind.NODE in r.synced)
        await reader.read_for(0.5)
    assert len(server.watched_from) > 4


async def test_an_error_of_the_server_is_told_with_its_words() -> None:
    server = Server(in_turn(ApiError(500, "InternalError", "etcd is away"), page()))
    async with reflecting(server) as reader:
        await reader.until(lambda r: Kind.NODE in r.synced and not r.stale)
        assert whys(reader) == ["Node cannot be read: 500 InternalError: etcd is away"]


async def test_a_required_kind_that_is_not_served_is_never_synced_and_looked_for_again() -> None:
    missing = NotFoundError(404, "Not Found", "404 page not found")
    server = Server(in_turn(missing, missing, missing, page(node("one"))))
    async with reflecting(server) as reader:
        await reader.until(lambda r: Kind.NODE in r.stale)
        assert not reader.synced
        await reader.until(lambda r: has("one")(r) and not r.stale)
        assert whys(reader) == ["Node is not served by the API server"]


async def test_an_optional_kind_that_is_not_served_is_empty_and_comes_when_it_is() -> None:
    missing = NotFoundError(404, "Not Found", "404 page not found")
    server = Server(in_turn(missing, missing, page(node("kubernetes"))))
    async with reflecting(server, Kind.SERVICE_CIDR) as reader:
        await reader.until(lambda r: Kind.SERVICE_CIDR in r.synced)
        assert whys(reader) == []
        await reader.until(has("kubernetes"))


async def test_an_optional_kind_that_was_served_is_stale_when_it_is_no_longer() -> None:
    missing = NotFoundError(404, "Not Found", "404 page not found")
    server = Server(in_turn(page(node("kubernetes")), missing), [[error_event(410)]])
    async with reflecting(server, Kind.SERVICE_CIDR) as reader:
        await reader.until(lambda r: Kind.SERVICE_CIDR in r.stale)
        assert has("kubernetes")(reader)
