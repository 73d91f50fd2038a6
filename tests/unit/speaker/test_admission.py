"""The data path as a witness: what it is not heard to have is the last resort, as is a whole node where it is silent."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp

from herald.kube.source import Change
from herald.lab.waiting import until
from speaker.admission import SILENCE_S, Admission
from speaker.core import Core
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.reasons import Reason
from speaker.route import RouteState
from tests.unit.speaker.test_core import CONFIG, IS_READY, IS_UNREADY, WEB, core, one_service, upsert

LIMIT_S = 5.0
NORMAL = (RouteState.NORMAL, None)
PENDING = (RouteState.WITHDRAWN, Reason.DATA_PATH_PENDING)
UNHEARD = (RouteState.LAST_RESORT, Reason.DATA_PATH_TIMEOUT)
SILENT = (RouteState.LAST_RESORT, Reason.DATA_PATH_SILENT)
GONE = (RouteState.WITHDRAWN, Reason.NO_ENDPOINT)


class DataPath:
    """Has and answers what the test says. It is its own Question and its own Knowledge."""

    def __init__(self) -> None:
        self.has_all, self.answers = False, True
        self.last_sync: datetime | None = None

    @property
    def knowledge(self) -> "DataPath":
        return self

    def has(self, wanted: Wanted) -> bool:
        del wanted
        return self.has_all

    async def ask(self, session: aiohttp.ClientSession, checks: Iterable[HealthCheck]) -> bool:
        del session, checks
        return self.answers


class Bench:
    """A core with one Service, and the witness; times in seconds."""

    def __init__(self) -> None:
        self.data_path = DataPath()
        self.admission = Admission("kube-proxy", self.data_path, LIMIT_S, lambda: None)
        self.core: Core = core(CONFIG, admitted=())

    def at(self, now: float, *changes: Change) -> tuple[RouteState, Reason | None]:
        """A turn of the loop; what the Service's VIP has after it."""
        self.turn(now, *changes)
        (vip,) = self.core.decisions[WEB[0]].vips
        return vip.state, vip.reason

    def turn(self, now: float, *changes: Change) -> None:
        for change in changes:
            self.admission.hear(change, self.core.cluster, now)
            self.core.apply([change])
        self.admission.testify(self.core, now)
        self.admission.follow(self.core, self.core.step().transitions, now)

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[None]:
        asking = asyncio.create_task(self.admission.poll.run())
        await until(lambda: self.admission.poll.answered is self.data_path.answers, 5)
        yield
        asking.cancel()


SERVICE = [upsert(thing) for thing in one_service("web", "198.51.100.7")]


async def test_what_the_data_path_is_not_heard_to_have_in_time_is_the_last_resort_until_it_is() -> None:
    bench = Bench()
    assert bench.at(100, *SERVICE) == PENDING
    assert bench.at(100 + LIMIT_S - 0.1) == PENDING
    assert bench.at(100 + LIMIT_S) == UNHEARD
    assert bench.at(500) == UNHEARD
    assert bench.admission.report().timeouts == 1
    bench.data_path.has_all = True
    async with bench.asked():
        assert bench.at(501) == NORMAL
    assert bench.at(502) == NORMAL


async def test_what_the_data_path_has_in_time_is_normal_at_once() -> None:
    bench = Bench()
    bench.at(100, *SERVICE)
    bench.data_path.has_all = True
    assert bench.at(100.5) == NORMAL
    assert bench.admission.report().timeouts == 0


async def test_what_went_out_without_word_and_is_withdrawn_waits_again_and_is_not_in_doubt_for_that() -> None:
    bench = Bench()
    bench.at(100, *SERVICE)
    assert bench.at(106) == UNHEARD
    assert bench.at(107, IS_UNREADY) == GONE
    bench.at(107.1)
    assert bench.at(108, IS_READY) == PENDING
    bench.data_path.has_all = True
    assert bench.at(109) == NORMAL


async def test_a_node_where_it_is_silent_for_a_minute_is_the_last_resort_until_it_answers() -> None:
    bench = Bench()
    bench.data_path.has_all = True
    bench.at(time.monotonic(), *SERVICE)
    assert bench.at(time.monotonic()) == NORMAL
    bench.data_path.answers = False
    async with bench.asked():
        now = time.monotonic()
        assert bench.at(now + SILENCE_S - 6) == NORMAL, "a restart takes no longer"
        assert bench.at(now + SILENCE_S) == SILENT
        assert bench.core.node_standing.reason is Reason.DATA_PATH_SILENT
    bench.data_path.answers = True
    async with bench.asked():
        assert bench.at(time.monotonic() + SILENCE_S) == NORMAL


async def test_what_is_announced_anew_while_it_is_silent_waits_and_goes_out_all_the_same() -> None:
    bench = Bench()
    bench.data_path.answers = False
    async with bench.asked():
        now = time.monotonic() + SILENCE_S
        assert bench.at(now, *SERVICE) == PENDING
        assert bench.at(now + LIMIT_S) in (UNHEARD, SILENT)
