"""On a real API server: whatever kills, stops or cuts off a controller, no address is given twice, and none moves."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.api_server import api_server as running
from herald.lab.kube.helm import install
from herald.lab.waiting import until
from tests.kube.controllers import Controllers, Replica, Witness, clear, controllers, create, pool, witness
from tests.kube.holding import Hold

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

KILLS = 20
SEED = 4
BURST = 15


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    """One of this module's own: an API server whose policies were removed once is no use (kubernetes issue 130887)."""
    async with running(tmp_path_factory.mktemp("kube")) as server:
        await install(server.client)
        yield server


@pytest.fixture
def server(installed: ApiServer) -> ApiServer:
    clear(installed)
    installed.client.apply([pool()])
    return installed


async def test_twenty_kills_in_bursts_of_creations(server: ApiServer, tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- not for secrets
    holds = [Hold.QUESTIONS, Hold.ANSWERS] * (KILLS // 4) + [Hold.NOTHING] * (KILLS - KILLS // 4 * 2)
    chance.shuffle(holds)
    async with controllers(server, tmp_path, ["one", "two"]) as pods, witness(server, tmp_path) as seen:
        for each in pods.replicas.values():
            each.start()
        names: list[str] = []
        for number, hold in enumerate(holds):
            leader = await pods.leader()
            await until(lambda: seen.assigned(names), 20)  # noqa: B023 -- called within this round
            burst = [f"s{number}-{each}" for each in range(BURST)]
            names += burst
            await killed_in(leader, hold, burst, seen, server, chance)
            leader.start()
        await pods.leader()
        await until(lambda: seen.assigned(names), 20)
        assert seen.wrongs == []
        assert len(names) == KILLS * BURST


async def killed_in(
    leader: Replica, hold: Hold, burst: list[str], seen: Witness, server: ApiServer, chance: random.Random
) -> None:
    leader.proxy.hold(hold)
    creating = asyncio.create_task(create(server, burst))
    match hold:
        case Hold.QUESTIONS:
            await until(lambda: leader.proxy.held > 1, 10)  # one may be a renewal
        case Hold.ANSWERS:
            await until(lambda: any(seen.vips.get(name) for name in burst), 10)
        case Hold.NOTHING:
            await until(lambda: any(name in seen.vips for name in burst), 10)
            await asyncio.sleep(chance.uniform(0, 0.1))
    await leader.kill()
    leader.proxy.hold(Hold.NOTHING)
    await creating


async def test_both_start_together_and_one_leads(server: ApiServer, tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(50)]
    async with controllers(server, tmp_path, ["one", "two"]) as pods, witness(server, tmp_path) as seen:
        await create(server, names)
        for each in pods.replicas.values():
            each.start()
        await until(lambda: seen.assigned(names), 20)
        assert sum(bool(each.lines("leading")) for each in pods.replicas.values()) == 1
        assert seen.wrongs == []


async def test_a_leader_that_stands_still_for_half_a_minute_is_no_leader_when_it_goes_on(
    server: ApiServer, tmp_path: Path
) -> None:
    async with controllers(server, tmp_path, ["one", "two"]) as pods, witness(server, tmp_path) as seen:
        for each in pods.replicas.values():
            each.start()
        leader = await pods.leader()
        await until(lambda: leader.lines("synced"), 20)
        leader.proxy.hold(Hold.QUESTIONS)
        first = [f"first-{number}" for number in range(BURST)]
        await create(server, first)
        await until(lambda: leader.proxy.held > 1, 10)
        leader.process.stop()
        stopped_at = asyncio.get_running_loop().time()
        await pods.leader(but=leader.pod)
        await until(lambda: seen.assigned(first), 20)
        leader.proxy.hold(Hold.NOTHING)  # its writes arrive now
        second = [f"second-{number}" for number in range(BURST)]
        await asyncio.sleep(stopped_at + 30 - asyncio.get_running_loop().time())
        await create(server, second)
        leader.process.cont()
        await until(lambda: seen.assigned(second), 20)
        await until(lambda: leader.lines("leads no longer"), 20)
        assert pods.holder == pods.other(leader).pod
        assert seen.wrongs == []


async def test_refused_and_unanswered_they_stop_in_time_and_go_on_when_it_is_over(server: ApiServer, tmp_path: Path) -> None:
    async with controllers(server, tmp_path, ["one", "two"]) as pods, witness(server, tmp_path) as seen:
        for each in pods.replicas.values():
            each.start()
        names: list[str] = []
        for trouble in ("refused", "unanswered"):
            leader = await pods.leader()
            await until(lambda: seen.assigned(names), 20)  # noqa: B023 -- called within this round
            burst = [f"{trouble}-{number}" for number in range(BURST)]
            names += burst
            creating = asyncio.create_task(create(server, burst))
            await until(lambda: any(name in seen.vips for name in burst), 10)  # noqa: B023
            before = len(leader.lines("leads no longer"))
            await trouble_begins(pods, trouble)
            await creating
            await until(lambda: len(leader.lines("leads no longer")) > before, 10)  # noqa: B023
            await trouble_ends(pods)
        await until(lambda: seen.assigned(names), 30)
        assert seen.wrongs == []


async def trouble_begins(pods: Controllers, trouble: str) -> None:
    for each in pods.replicas.values():
        if trouble == "refused":
            await each.proxy.refuse()
        else:
            each.proxy.silence()


async def trouble_ends(pods: Controllers) -> None:
    for each in pods.replicas.values():
        each.proxy.speak()
        await each.proxy.refuse()
        await each.proxy.open()
