"""Asks this node's data path whether it has what waits to be announced: kube-proxy, or a URL.

It asks often while something waits, and now and then otherwise, so that its silence shows. Every question is bounded in
time; no answer is an answer: nothing is known then.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address
from itertools import islice
from typing import Protocol, TypeAlias, assert_never

import aiohttp
import msgspec

from bgp_config.names import Family
from speaker.gate import AnsweredKnowledge, Interest, Knowledge
from speaker.kube_proxy import Answer, HealthCheck, KubeProxyKnowledge, Sync

KUBE_PROXY_URL = "http://127.0.0.1:10256/healthz"
IDLE_POLL_S = 15.0
RETRY_S = 1.0
"""The same while it does not answer."""
TIMEOUT_S = 0.25
CHECKS_AT_ONCE = 64
OK = 200


@dataclass(frozen=True, slots=True)
class KubeProxy:
    """kube-proxy, at the address of its /healthz."""

    url: str = KUBE_PROXY_URL

    def __str__(self) -> str:
        return "kube-proxy"


@dataclass(frozen=True, slots=True)
class Url:
    """Something that answers 200 when it has all rules."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class NoGate:
    """Nothing waits."""

    def __str__(self) -> str:
        return "none"


DataPath: TypeAlias = KubeProxy | Url | NoGate


def parse(text: str) -> DataPath:
    """`kube-proxy`, `none` or an http URL. Raises ValueError, so that it serves as an argparse type."""
    match text:
        case "none":
            return NoGate()
        case "kube-proxy":
            return KubeProxy()
        case _ if text.startswith(("http://", "https://")):
            return Url(text)
        case _:
            raise ValueError(f"neither kube-proxy nor none nor a URL: {text!r}")


class Question(Protocol):
    """One way to ask. `ask` takes the health checks that are of interest now, and notes the answer in `knowledge`."""

    @property
    def knowledge(self) -> Knowledge: ...

    @property
    def last_sync(self) -> datetime | None:
        """When rules were last written, as far as that was said."""

    async def ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> bool:
        """Whether there was an answer."""


class _FamilyStatus(msgspec.Struct, rename="camel"):
    last_updated: str


class _Healthz(msgspec.Struct, rename="camel"):
    """kube-proxy's: `status` by family. Its top-level lastUpdated is the time of the answer, and says nothing."""

    current_time: str = ""
    status: dict[str, _FamilyStatus] = {}


class AskKubeProxy:
    """A Question to kube-proxy. It answers 503 on a node that is about to be deleted; its rules are none the worse."""

    def __init__(self, url: str) -> None:
        self.knowledge = KubeProxyKnowledge()
        self._url = url

    @property
    def last_sync(self) -> datetime | None:
        times = [datetime.fromisoformat(sync.last_updated) for sync in self.knowledge.syncs.values()]
        return max(times).replace(microsecond=0) if times else None

    async def ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> bool:
        asked_at = time.monotonic()
        asking = asyncio.gather(*(_is_ready(session, check) for check in checks))
        syncs, answers = await asyncio.gather(self._syncs(session), asking)
        if syncs is None:
            self.knowledge.heard(None)
            return False
        health = dict(answer for answer in answers if answer)
        self.knowledge.heard(Answer(asked_at=asked_at, at=time.monotonic(), syncs=syncs, health=health))
        return True

    async def _syncs(self, session: aiohttp.ClientSession) -> Mapping[Family, Sync] | None:
        try:
            async with session.get(self._url) as response:
                said = msgspec.json.decode(await response.read(), type=_Healthz)
            now = datetime.fromisoformat(said.current_time)
            return {
                family: Sync(status.last_updated, (now - datetime.fromisoformat(status.last_updated)).total_seconds())
                for family in Family
                if (status := said.status.get(f"IPv{family.value}"))
            }
        except (aiohttp.ClientError, OSError, ValueError, msgspec.DecodeError):  # TimeoutError is an OSError
            return None


async def _is_ready(session: aiohttp.ClientSession, check: HealthCheck) -> tuple[HealthCheck, bool] | None:
    host = f"[{check.address}]" if isinstance(check.address, IPv6Address) else str(check.address)
    try:
        async with session.get(f"http://{host}:{check.port}/healthz") as response:
            return check, response.status == OK
    except (aiohttp.ClientError, OSError):
        return None


class AskUrl:
    """A Question to whatever is behind a URL."""

    def __init__(self, url: str) -> None:
        self.knowledge = AnsweredKnowledge()
        self._url = url

    @property
    def last_sync(self) -> datetime | None:
        return None

    async def ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> bool:
        del checks
        asked_at = time.monotonic()
        try:
            async with session.get(self._url) as response:
                answered = response.status == OK
        except (aiohttp.ClientError, OSError):
            answered = False
        self.knowledge.heard(asked_at if answered else None)
        return answered


class Poll:
    """Asks, and says when there is news. `interest` tells what to ask about; None: nothing waits.

    `silent_since`: when the first question without an answer was asked since the last answer, by this speaker or an earlier.
    """

    def __init__(self, question: Question, interest: Callable[[], Interest | None], on_news: Callable[[], None]) -> None:
        self._question = question
        self._interest = interest
        self._on_news = on_news
        self._wanted = asyncio.Event()
        self.silent_since: float | None = None
        self.answered: bool | None = None

    def silent_s(self, now: float) -> float:
        """For how long it has not answered."""
        return 0.0 if self.silent_since is None else now - self.silent_since

    @property
    def last_sync(self) -> datetime | None:
        return self._question.last_sync

    def wake(self) -> None:
        """Something waits."""
        self._wanted.set()

    async def run(self) -> None:
        """Never returns; cancel it."""
        limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=limits, connector=connector, trust_env=False) as session:
            while True:
                interest = self._interest()
                self._wanted.clear()
                await self._ask(session, interest.checks if interest else ())
                self._on_news()
                idle_s = IDLE_POLL_S if self.answered else RETRY_S
                await self._pause(interest.every_s if interest else idle_s)

    async def _ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> None:
        asked_at = time.monotonic()
        self.answered = await self._question.ask(session, islice(checks, CHECKS_AT_ONCE))
        if self.answered:
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = asked_at

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return


def question_of(data_path: DataPath) -> Question | None:
    """What is asked of it; None: nothing."""
    match data_path:
        case KubeProxy(url):
            return AskKubeProxy(url)
        case Url(url):
            return AskUrl(url)
        case NoGate():
            return None
        case _:
            assert_never(data_path)
