"""What the demo runs on: Herald on a rack, a client that asks every VIP all the time, and the ToRs' route changes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import yaml

from bgp_config.names import IPAddress, host_prefix
from herald.kube.objects import ObjectKey
from herald.lab import manifests, waits
from herald.lab.demo.scenes import BFD
from herald.lab.deployment import EXAMPLES, Deployment, until
from herald.lab.follow import RouteChange
from herald.lab.kube.deployment import KubeDeployment, kube_deployment
from herald.lab.lab import Lab
from herald.lab.recorder import Recorder
from herald.lab.topology import Settings, rack
from herald.lab.traffic import Load, LoadPlan

START_TIMEOUT_S = 30.0
REQUESTS_PER_S = 100
PEERS_FILE, SERVICES_FILE = "peers.yaml", "services.yaml"
BFD_PROFILE = "fast"
RESTART_TIME_S = 30


class Cluster(Enum):
    """What Herald's programs take the cluster's objects from."""

    FOLDER = "a folder of manifests"
    KUBERNETES = "a real API server, and VIPs answer through kube-proxy"


@dataclass(slots=True, kw_only=True)
class Stage:
    """A running deployment. `vips` are the VIPs of each Service; `recorders` follow each ToR's kernel.

    `spread`: what comes in for these VIPs goes on to the endpoints of all nodes, whichever node got it.
    """

    deployment: Deployment
    vips: Mapping[ObjectKey, tuple[IPAddress, ...]]
    spread: frozenset[IPAddress]
    recorders: Mapping[str, Recorder[RouteChange]]
    load: Load

    @property
    def addresses(self) -> list[IPAddress]:
        return [vip for vips in self.vips.values() for vip in vips]

    def last_change(self, since: float, end: float) -> float | None:
        """When the last route of a VIP changed in any ToR's kernel meanwhile, seconds after `since`; None if none did."""
        prefixes = {host_prefix(vip) for vip in self.addresses}
        events = [e for recorder in self.recorders.values() for e in recorder.events]
        return max((e.at - since for e in events if since <= e.at <= end and e.prefix in prefixes), default=None)


@asynccontextmanager
async def running_lab(name: str, cluster: Cluster) -> AsyncIterator[Deployment]:
    """The rack with Herald's programs started; all of it is gone afterwards. Raises LabError."""
    async with Lab(rack(Settings(control=cluster is Cluster.KUBERNETES, bfd=BFD)), name=name) as lab:
        deployment = await _deployment(lab, cluster)
        deployment.prepare()
        _watch_peers(deployment)
        deployment.start()
        yield deployment


async def _deployment(lab: Lab, cluster: Cluster) -> Deployment:
    match cluster:
        case Cluster.FOLDER:
            return Deployment(lab=lab)
        case Cluster.KUBERNETES:
            return await kube_deployment(lab, examples=EXAMPLES)
        case _:
            assert_never(cluster)


@asynccontextmanager
async def set_stage(deployment: Deployment) -> AsyncIterator[Stage]:
    """When every Service has its VIP and every VIP all nodes on both ToRs; then the client starts. Raises LabError."""
    wanted = sum(1 for _ in (deployment.manifests / "endpointslices").iterdir())
    await until(lambda: len(deployment.vips()) == wanted, START_TIMEOUT_S, lambda: _why_pending(deployment))
    vips = deployment.vips()
    everywhere = frozenset(deployment.nodes)
    await deployment.routed({vip: everywhere for of_one in vips.values() for vip in of_one}, START_TIMEOUT_S)
    await waits.bfd_up(deployment, START_TIMEOUT_S)
    recorders = {tor: deployment.lab.follow_routes(tor) for tor in deployment.tors}
    load = deployment.lab.start_load([vip for of_one in vips.values() for vip in of_one], LoadPlan(rate=REQUESTS_PER_S))
    try:
        yield Stage(deployment=deployment, vips=vips, spread=_spread(deployment, vips), recorders=recorders, load=load)
    finally:
        for recorder in recorders.values():
            recorder.close()


def _watch_peers(deployment: Deployment) -> None:
    """The examples' peers, with BFD and graceful restart."""
    deployment.write("bfd.yaml", manifests.dump([manifests.bfd_profile(BFD_PROFILE, BFD)]))
    peers = list(yaml.safe_load_all((deployment.manifests / PEERS_FILE).read_text()))
    for peer in peers:
        peer["spec"] |= {"bfdProfile": BFD_PROFILE, "gracefulRestart": {"restartTimeSeconds": RESTART_TIME_S}}
    deployment.write(PEERS_FILE, manifests.dump(peers))


def _spread(deployment: Deployment, vips: Mapping[ObjectKey, tuple[IPAddress, ...]]) -> frozenset[IPAddress]:
    """Those of externalTrafficPolicy Cluster, where there is a kube-proxy."""
    if not isinstance(deployment, KubeDeployment):
        return frozenset()
    services = yaml.safe_load_all((deployment.manifests / SERVICES_FILE).read_text())
    cluster = [each["metadata"] for each in services if each["spec"].get("externalTrafficPolicy") != "Local"]
    return frozenset(vip for each in cluster for vip in vips[ObjectKey(each["namespace"], each["name"])])


def _why_pending(deployment: Deployment) -> str:
    said = deployment.controller.output().splitlines() if deployment.controller else []
    return f"not every Service has been given a VIP; the controller's last word: {said[-1] if said else 'none'}"
