"""What the demo runs on: Herald on a rack, a client that asks every VIP all the time, and the ToRs' route changes."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bgp_config.names import IPAddress, host_prefix
from herald.kube.objects import ObjectKey
from herald.lab.deployment import Deployment, until
from herald.lab.follow import RouteChange
from herald.lab.lab import Lab
from herald.lab.load_report import LoadReport
from herald.lab.process import Process
from herald.lab.recorder import Recorder
from herald.lab.topology import rack

CLIENT = "client"
START_TIMEOUT_S = 30.0
REQUESTS_PER_S = 100


@dataclass(slots=True, kw_only=True)
class Stage:
    """A running deployment. `vips` are the VIPs of each Service; `recorders` follow each ToR's kernel."""

    deployment: Deployment
    vips: Mapping[ObjectKey, tuple[IPAddress, ...]]
    recorders: Mapping[str, Recorder[RouteChange]]
    load_output: Path

    @property
    def addresses(self) -> list[IPAddress]:
        return [vip for vips in self.vips.values() for vip in vips]

    def report(self) -> LoadReport:
        """All requests that have ended."""
        lines = self.load_output.read_bytes().split(b"\n") if self.load_output.exists() else []
        return LoadReport.parse(lines[:-1])

    def last_change(self, since: float) -> float | None:
        """When the last route of a VIP changed in any ToR's kernel, seconds after `since`; None if none did."""
        prefixes = {host_prefix(vip) for vip in self.addresses}
        events = [e for recorder in self.recorders.values() for e in recorder.events]
        return max((e.at - since for e in events if e.at >= since and e.prefix in prefixes), default=None)


@asynccontextmanager
async def running_lab(name: str) -> AsyncIterator[Deployment]:
    """The rack with Herald's programs started; all of it is gone afterwards. Raises LabError."""
    async with Lab(rack(), name=name) as lab:
        deployment = Deployment(lab=lab)
        deployment.prepare()
        deployment.start()
        yield deployment


@asynccontextmanager
async def set_stage(deployment: Deployment) -> AsyncIterator[Stage]:
    """When every Service has its VIP and every VIP all nodes on both ToRs; then the client starts. Raises LabError."""
    wanted = sum(1 for _ in (deployment.manifests / "endpointslices").iterdir())
    await until(lambda: len(deployment.vips()) == wanted, START_TIMEOUT_S, lambda: "not every Service has been given a VIP")
    vips = deployment.vips()
    everywhere = frozenset(deployment.nodes)
    await deployment.routed({vip: everywhere for of_one in vips.values() for vip in of_one}, START_TIMEOUT_S)
    recorders = {tor.name: deployment.lab.routers[tor.name].follow_routes() for tor in deployment.lab.topology.tors}
    output = deployment.directory / "requests.jsonl"
    stage = Stage(deployment=deployment, vips=vips, recorders=recorders, load_output=output)
    try:
        _start_client(stage)
        yield stage
    finally:
        for recorder in recorders.values():
            recorder.close()


def _start_client(stage: Stage) -> Process:
    lab = stage.deployment.lab
    client = next(client for client in lab.topology.clients if client.name == CLIENT)
    argv = [sys.executable, "-m", "herald.lab.load", "--output", str(stage.load_output), "--rate", str(REQUESTS_PER_S)]
    argv += [word for vip in stage.addresses for word in ("--vip", str(vip))]
    argv += [word for interface in client.addresses for word in ("--source", str(interface.ip))]
    return lab.start(CLIENT, argv, name="load")
