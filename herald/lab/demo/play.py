"""Plays the scenes: does each, waits for the routers, counts the client's requests, and checks every claim that is shown.

A claim that does not hold raises LabError, which says what was seen instead; nothing is shown that was not seen.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bgp_config.names import IPAddress
from herald.lab.command import LabError
from herald.lab.demo.figures import Event, Figures
from herald.lab.demo.scenes import SCENES, WEB, WEB_NODE, Scene
from herald.lab.demo.show import Show, VipRow
from herald.lab.demo.stage import Cluster, Stage, running_lab, set_stage
from herald.lab.deployment import until
from herald.lab.load_report import LoadReport
from herald.status import local
from herald.status.explain import story
from herald.status.text import plain
from speaker.by_hand import switch_file

WARM_UP_S = 3.0
SETTLE_S = 1.5
"""After the routes have changed: the client's slowest requests end, and it is seen who answers now."""
CLOSE_LIMIT_S = 8.0
REFRESH_S = 0.5


async def play(show: Show, figures: Figures, name: str, cluster: Cluster) -> None:
    """The whole demo; `figures` is filled as it goes. Raises LabError."""
    show.say("raising the lab: client - spine - tor1, tor2 - node1, node2, node3, each node on both ToRs")
    show.say(f"the cluster: {cluster.value}")
    async with running_lab(name, cluster) as deployment:
        show.say("started a controller, and on every node a speaker and an HTTP server; waiting for the first routes")
        begun = time.monotonic()
        async with set_stage(deployment) as stage:
            show.say(f"every VIP is in both ToRs' kernels {time.monotonic() - begun:.1f} s after the programs were started")
            watching = asyncio.create_task(_keep_showing(show, stage))
            try:
                await _warm_up(show, stage, figures)
                for scene in SCENES:
                    event = await _run(scene, stage)
                    figures.events.append(event)
                    show.event(scene, event)
                await _tell(show, stage)
                await _close(show, stage)
            finally:
                watching.cancel()


async def _warm_up(show: Show, stage: Stage, figures: Figures) -> None:
    """All is well: every node answers for every VIP."""
    deployment = stage.deployment
    await asyncio.sleep(WARM_UP_S)
    report = stage.load.report()
    if report.failures or report.requests == 0:
        raise LabError(
            f"all is well, but of {report.requests} requests {len(report.failures)} failed: {report.failures[:3]}"
        )
    for vip in stage.addresses:
        _expect_answers(report.to(vip), vip, set(deployment.nodes))
    figures.vips = [str(vip) for vip in stage.addresses]
    figures.next_hops = {
        tor: {str(vip): len(nodes) for vip, nodes in sorted(deployment.next_hops(tor).items())} for tor in deployment.tors
    }
    show.table(rows(stage, report))


async def _run(scene: Scene, stage: Stage) -> Event:
    deployment = stage.deployment
    at = await scene.act(deployment)
    expected = _expected(scene, stage)
    await deployment.routed(expected, scene.limit_s)
    settled = time.monotonic()
    await asyncio.gather(asyncio.sleep(SETTLE_S), *([scene.after(deployment)] if scene.after else []))
    end = time.monotonic()
    changed = stage.last_change(at, end)
    if (changed is None) != (scene.node is None):
        raise LabError(f"{scene.name}: the ToRs' routes are as expected, but {changed or 'no change'} of them was seen")
    report = stage.load.report()
    for vip, nodes in expected.items():
        # Requests that began when the routes had changed are answered by the nodes that are announced, and no other.
        answering = set(deployment.nodes) if vip in stage.spread else set(nodes)
        _expect_answers(report.between(settled, end).to(vip), vip, answering)
    during = report.between(at, end)
    if scene.planned and during.failed:
        raise LabError(f"{scene.name}: new connections failed, though it was planned: {during.failures[:3]}")
    return Event(
        name=scene.name,
        route_change_s=None if changed is None else round(changed, 3),
        requests=during.requests,
        failed=during.failed,
        reset=during.reset,
        outage_s=round(during.outage_s, 3),
    )


def _expected(scene: Scene, stage: Stage) -> dict[IPAddress, frozenset[str]]:
    """All nodes for every VIP, but for the one that is away."""
    everywhere = frozenset(stage.deployment.nodes)
    hit = stage.vips.keys() if scene.service is None else {scene.service}
    return {
        vip: everywhere - {scene.node} if scene.away and service in hit else everywhere
        for service, vips in stage.vips.items()
        for vip in vips
    }


def _expect_answers(report: LoadReport, vip: IPAddress, nodes: set[str]) -> None:
    if set(report.by_node) != nodes:
        raise LabError(f"{vip} should be answered by {sorted(nodes)}, but was by {dict(report.by_node)}")


async def _tell(show: Show, stage: Stage) -> None:
    """One Service's story, as the speaker of a node tells it."""
    lab = stage.deployment.lab
    answer = await local.ask(lab.directory_of(WEB_NODE) / "run", WEB)
    show.say(f"herald status svc {WEB} --local, on {WEB_NODE}:")
    for line in story(answer, datetime.now(UTC), plain).splitlines():
        show.say(f"    {line}".rstrip())


async def _close(show: Show, stage: Stage) -> None:
    """Break-glass: every node is told to withdraw all, by a file and without the API. (Speakers that end leave routes.)"""
    deployment = stage.deployment
    at = time.monotonic()
    for node in deployment.nodes:
        new = deployment.runtime_of(node) / "switch.new"
        new.write_text("all\n")
        new.rename(deployment.runtime_of(node) / switch_file.NAME)
    gone = await until(
        lambda: not any(deployment.next_hops(tor) for tor in deployment.tors),
        CLOSE_LIMIT_S,
        lambda: "all nodes were told by hand to withdraw all, but the ToRs still have routes",
    )
    show.say(f"all nodes were told by hand to withdraw all: no route is left after {gone - at:.2f} s")


async def _keep_showing(show: Show, stage: Stage) -> None:
    while True:
        show.live(rows(stage, stage.load.report().between(time.monotonic() - 2, time.monotonic())))
        await asyncio.sleep(REFRESH_S)


def rows(stage: Stage, report: LoadReport) -> list[VipRow]:
    """One row per VIP: where the ToRs send its traffic, and who answered in this report."""
    hops: Mapping[str, Mapping[IPAddress, Iterable[str]]] = {
        tor: stage.deployment.next_hops(tor) for tor in stage.deployment.tors
    }
    return [
        VipRow(
            service=str(service),
            vip=str(vip),
            next_hops={tor: sorted(table.get(vip, ())) for tor, table in hops.items()},
            answered=dict(sorted(report.to(vip).by_node.items())),
            failed=len(report.to(vip).failures),
        )
        for service, vips in stage.vips.items()
        for vip in vips
    ]
