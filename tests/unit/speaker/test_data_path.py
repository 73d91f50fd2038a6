"""Asking the data path: what its answers are taken for, and that one that does not answer holds nobody up."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from bgp_config.names import Family
from herald.lab.waiting import until
from speaker.data_path import TIMEOUT_S, AskKubeProxy, AskUrl, KubeProxy, NoGate, Poll, Url, parse
from speaker.gate import POLL_S, AnsweredKnowledge, Interest
from speaker.kube_proxy import HealthCheck, Wanted
from tests.builders import ip


@dataclass
class FakeKubeProxy:
    """Says what the test wants it to say, on 127.0.0.1; or hangs, or talks nonsense."""

    status: int = 200
    families: dict[str, str] = field(default_factory=lambda: {"IPv4": "2026-11-24T11:00:00.123456789Z"})
    hangs: bool = False
    body: str | None = None
    asked: int = 0
    port: int = 0

    async def healthz(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        said = {
            "lastUpdated": "2026-11-24T12:00:00Z",
            "currentTime": "2026-11-24T12:00:00.5Z",
            "status": {family: {"lastUpdated": at, "healthy": True} for family, at in self.families.items()},
        }
        return web.json_response(said, status=self.status) if self.body is None else web.Response(text=self.body)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        application = web.Application()
        application.add_routes([web.get("/healthz", self.healthz)])
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/healthz"


@pytest.fixture
async def kube_proxy() -> AsyncIterator[FakeKubeProxy]:
    fake = FakeKubeProxy()
    async with fake.serving():
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as made:
        yield made


async def test_the_time_of_a_family_counts_and_not_that_of_the_answer(
    kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession
) -> None:
    question = AskKubeProxy(kube_proxy.url)
    assert await question.ask(session, [])
    assert set(question.knowledge.syncs) == {Family.IPV4}
    assert question.knowledge.syncs[Family.IPV4].age_s == pytest.approx(3600.376544)
    assert question.last_sync == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


async def test_a_503_with_its_times_is_an_answer_too(kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession) -> None:
    kube_proxy.status = 503
    question = AskKubeProxy(kube_proxy.url)
    assert await question.ask(session, [])
    assert question.knowledge.has(Wanted(since=0.0, family=Family.IPV4))


async def test_one_that_hangs_talks_nonsense_or_is_not_there_gives_no_answer_in_time(
    kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession
) -> None:
    question = AskKubeProxy(kube_proxy.url)
    for body in ("", "ok", "[]", '{"currentTime": "noon", "status": {"IPv4": {"lastUpdated": "1"}}}'):
        kube_proxy.body = body
        assert not await question.ask(session, [])
    kube_proxy.hangs = True
    begun = time.monotonic()
    assert not await question.ask(session, [])
    assert time.monotonic() - begun < 3 * TIMEOUT_S
    assert not await AskKubeProxy("http://127.0.0.1:1/healthz").ask(session, [])


async def test_an_old_kube_proxy_that_does_not_tell_families_vouches_for_nothing(
    kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession
) -> None:
    kube_proxy.families = {}
    question = AskKubeProxy(kube_proxy.url)
    await question.ask(session, [])
    assert not question.knowledge.has(Wanted(since=0.0, family=Family.IPV4))
    assert question.last_sync is None


async def test_health_checks_are_asked_and_a_closed_port_says_nothing(
    kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession
) -> None:
    question = AskKubeProxy(kube_proxy.url)
    open_, closed = HealthCheck(ip("127.0.0.1"), kube_proxy.port), HealthCheck(ip("127.0.0.1"), 1)
    changed = time.monotonic()
    wanted = Wanted(since=changed, family=Family.IPV4, endpoints_changed=changed, health_check=open_)
    kube_proxy.status = 503
    assert await question.ask(session, [open_, closed])
    kube_proxy.status = 200
    assert not question.knowledge.has(wanted)
    assert await question.ask(session, [open_, closed])
    assert question.knowledge.has(wanted)


async def test_a_url_vouches_with_200_only(kube_proxy: FakeKubeProxy, session: aiohttp.ClientSession) -> None:
    question = AskUrl(kube_proxy.url)
    wanted = Wanted(since=time.monotonic(), family=Family.IPV4)
    kube_proxy.status = 503
    assert not await question.ask(session, [])
    assert not question.knowledge.has(wanted)
    kube_proxy.status = 200
    assert await question.ask(session, [])
    assert question.knowledge.has(wanted)


async def test_it_asks_often_only_while_something_waits(kube_proxy: FakeKubeProxy) -> None:
    waiting: Interest | None = None
    news = asyncio.Event()
    poll = Poll(AskKubeProxy(kube_proxy.url), lambda: waiting, news.set)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(poll.run())
        await news.wait()
        assert (kube_proxy.asked, poll.answered) == (1, True)
        waiting = Interest(checks=(), every_s=POLL_S)
        poll.wake()
        await until(lambda: kube_proxy.asked >= 10, 5)
        waiting = None
        asked = kube_proxy.asked
        await asyncio.sleep(0.3)
        assert kube_proxy.asked <= asked + 2
        task.cancel()


class Answers:
    """A question that is answered at once, or at once not, as the test says: no network is in it, and so no time."""

    def __init__(self) -> None:
        self.knowledge = AnsweredKnowledge()
        self.last_sync: datetime | None = None
        self.answered = True
        self.unanswered_at: float | None = None

    async def ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> bool:
        del session, checks
        if not self.answered and self.unanswered_at is None:
            self.unanswered_at = time.monotonic()
        return self.answered


async def test_its_silence_is_counted_from_the_first_question_without_an_answer() -> None:
    question = Answers()
    poll = Poll(question, lambda: Interest(checks=(), every_s=POLL_S), lambda: None)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(poll.run())
        await until(lambda: poll.answered, 5)
        assert poll.silent_s(time.monotonic() + 100) == 0
        silent_at = time.monotonic()
        question.answered = False
        await until(lambda: poll.silent_s(time.monotonic()) > 0.2, 5)
        now = time.monotonic()
        assert question.unanswered_at is not None
        assert now - question.unanswered_at <= poll.silent_s(now) <= now - silent_at
        question.answered = True
        await until(lambda: poll.answered, 5)
        assert poll.silent_s(time.monotonic() + 100) == 0
        task.cancel()


def test_the_flag() -> None:
    assert parse("kube-proxy") == KubeProxy()
    assert parse("none") == NoGate()
    assert parse("http://127.0.0.1:9879/healthz") == Url("http://127.0.0.1:9879/healthz")
    with pytest.raises(ValueError, match="neither"):
        parse("cilium")
