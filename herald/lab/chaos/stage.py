"""What chaos happens on: Herald on a rack of its own, all its VIPs in both ToRs' kernels."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from herald.kube.objects import Kind
from herald.lab import manifests, waits
from herald.lab.chaos.faults import RESTART_TIME_S, FaultKind
from herald.lab.chaos.history import History
from herald.lab.chaos.schedule import Cast
from herald.lab.command import LabError
from herald.lab.deployment import Deployment, until
from herald.lab.kube.deployment import kube_deployment
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.process import Process
from herald.lab.topology import Bfd, Settings, rack

GRACEFUL_TOR = "tor2"
"""The other one keeps no routes of a session that was lost."""
SERVICES = ("web", "db", "mail")
START_TIMEOUT_S = 60.0
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running deployment. `clock`: the file that tells its programs how wrong their clocks are, if they look at one."""

    deployment: Deployment
    clock: Path | None = None

    @property
    def lab(self) -> Lab:
        return self.deployment.lab

    @property
    def controller(self) -> Process:
        if self.deployment.controller is None:
            raise LabError("this deployment has no controller")
        return self.deployment.controller

    @property
    def history(self) -> History:
        """Nothing has happened yet."""
        return History(graceful=frozenset({GRACEFUL_TOR}))

    @property
    def cast(self) -> Cast:
        """The programs of the last node are left alone, so that growth shows in them."""
        nodes = tuple(self.deployment.nodes)
        kinds = tuple(kind for kind in FaultKind if self.clock or kind is not FaultKind.CLOCK_STEP)
        steady = frozenset(nodes[-1:])
        return Cast(nodes=nodes, tors=tuple(self.deployment.tors), services=SERVICES, steady=steady, kinds=kinds)

    def set_clocks(self, seconds: int) -> None:
        """So much ahead of what they were at the start."""
        if self.clock is None:
            raise LabError(f"the clocks of programs cannot be set: {FAKETIME} is missing")
        self.clock.write_text(f"{seconds:+d}")


@asynccontextmanager
async def chaos_lab(
    *, kube: bool = False, name: str | None = None, program: Sequence[str] = ("-m", "herald")
) -> AsyncIterator[Stage]:
    """`kube`: on a real API server. `program`: what is run for Herald. Raises LabError."""
    async with Lab(rack(Settings(control=kube, bfd=Bfd())), name=name) as lab:
        if kube:
            deployment: Deployment = await kube_deployment(lab, examples=None)
        else:
            deployment = Deployment(lab=lab, examples=None)
        deployment.prepare()
        deployment.write("network.yaml", manifests.dump(_network(deployment)))
        for service in SERVICES:
            deployment.write_service(service)
        clock = _clock(deployment)
        deployment.program, deployment.env = program, _clock_of_ours(clock) if clock else {}
        deployment.start()
        await until(lambda: len(deployment.vips()) == len(SERVICES), START_TIMEOUT_S, lambda: "not every Service has a VIP")
        everywhere = frozenset(deployment.nodes)
        await deployment.routed({vip: everywhere for vips in deployment.vips().values() for vip in vips}, START_TIMEOUT_S)
        await waits.bfd_up(deployment, START_TIMEOUT_S)
        yield Stage(deployment=deployment, clock=clock)


def _network(deployment: Deployment) -> Iterator[Manifest]:
    """The network's own manifests, with graceful restart on the peers at that ToR."""
    for each in manifests.network(deployment.lab.topology):
        if each["kind"] == Kind.BGP_PEER and each["metadata"]["name"].endswith(GRACEFUL_TOR):
            each["spec"]["gracefulRestart"] = {"restartTimeSeconds": RESTART_TIME_S}
        yield each


def _clock(deployment: Deployment) -> Path | None:
    return deployment.directory / "clock" if FAKETIME.exists() else None


def _clock_of_ours(clock: Path) -> dict[str, str]:
    """The environment of programs whose clock this file tells. Monotonic time is left as it is, as by a step of NTP."""
    clock.write_text("+0")
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
