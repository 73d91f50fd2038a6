"""A drain as routers and clients see it, fed from a folder: no new connection fails, nothing that is needed goes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from herald.lab.deployment import until
from herald.lab.traffic import LoadPlan
from speaker.drain import WIRE_LIMIT_S
from tests.lab.drain.commands import on_folder, said
from tests.lab.drain.routers import SOON_S, gone_from, never_normal, paths_through, restart
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab

SECONDS = 2
GONE_S = SECONDS + SOON_S


async def test_a_drain_under_load_fails_no_new_connection_nor_does_its_end() -> None:
    async with fabric(flags=("--bind-vips",)) as deployment:
        operator, expected = on_folder(deployment), everywhere(deployment)
        load = deployment.lab.start_load(list(expected), LoadPlan(rate=100))
        drained = asyncio.create_task(operator.drain("node1", "--seconds", "5", "--wait"))
        await deployment.routed(without(expected, "node1"), SOON_S)
        lengths = [length for tor in deployment.tors for length in await paths_through(deployment, "node1", tor)]
        assert lengths == [7, 7], "still announced, as the least preferred"
        answer = await drained
        # Before them it may say that the controller looks first which nodes announce what.
        assert (answer.code, answer.lines[-2:]) == (0, ["node1: Draining", "node1: Drained"]), answer
        await gone_from(deployment, "node1", SOON_S)
        assert (await operator.undrain("node1")).code == 0
        await deployment.routed(expected, SOON_S)
        report = await load.finish()
        assert report.requests > 500
        assert report.failed == 0, report.failures
        assert report.by_node["node1"] > 0


async def test_the_last_announcer_waits_until_it_is_forced() -> None:
    async with fabric() as deployment:
        operator, expected, web = on_folder(deployment), everywhere(deployment), vip(deployment, "web")
        deployment.write_slice("web", nodes=["node1"])
        alone = {**expected, web: frozenset({"node1"})}
        await deployment.routed(alone, SOON_S)
        refused = await operator.drain("node1", "--seconds", str(SECONDS), "--wait", "--timeout", "3")
        assert refused.code == 1
        assert any("(lastAnnouncer)" in line and "default/web" in line for line in refused.lines), refused
        await deployment.routed(alone, 1)
        assert (await operator.drain("node1", "--force", "--seconds", str(SECONDS))).code == 0
        await deployment.routed({v: nodes - {"node1"} for v, nodes in expected.items() if v != web}, GONE_S)


async def test_of_two_drains_in_one_rack_the_second_waits_for_the_end_of_the_first() -> None:
    async with fabric() as deployment:
        operator, expected = on_folder(deployment), everywhere(deployment)
        await operator.drain("node1", "--seconds", str(SECONDS))
        await deployment.routed(without(expected, "node1"), SOON_S)
        await operator.drain("node2", "--seconds", str(SECONDS))
        await until(lambda: "maxConcurrentDrains" in said(deployment, "node2"), SOON_S, lambda: said(deployment, "node2"))
        await gone_from(deployment, "node1", GONE_S)
        await deployment.routed(without(expected, "node1"), 1)
        await operator.undrain("node1")
        await deployment.routed(without(expected, "node2"), SOON_S)


async def test_no_restart_in_any_phase_brings_the_traffic_back() -> None:
    async with fabric() as deployment:
        operator, expected = on_folder(deployment), everywhere(deployment)
        await operator.drain("node1", "--seconds", "4")
        await deployment.routed(without(expected, "node1"), SOON_S)
        async with never_normal(deployment, "node1"):
            await restart(deployment, "node1")  # while it drains
            await until(lambda: '"Drained"' in said(deployment, "node1"), 20, lambda: said(deployment, "node1"))
            await gone_from(deployment, "node1", WIRE_LIMIT_S + SOON_S)  # by then the controller only presumes it
            await restart(deployment, "node1")  # when it is drained
            await gone_from(deployment, "node1", 1)
        await operator.undrain("node1")
        await deployment.routed(expected, SOON_S)


async def test_a_drain_ends_by_itself_at_its_time() -> None:
    async with fabric() as deployment:
        operator, expected = on_folder(deployment), everywhere(deployment)
        until_ = datetime.now(UTC) + timedelta(seconds=6)
        await operator.drain("node1", "--seconds", "1", "--until", until_.strftime("%Y-%m-%dT%H:%M:%SZ"))
        await deployment.routed(without(expected, "node1"), SOON_S)
        await gone_from(deployment, "node1", GONE_S)
        await deployment.routed(expected, 10)
        assert datetime.now(UTC) >= until_.replace(microsecond=0)
        await until(lambda: '"Ended"' in said(deployment, "node1"), SOON_S, lambda: said(deployment, "node1"))
