"""Does each fault to a running deployment, and undoes it: one context manager for each kind.

Programs that were killed are started again when the fault is undone, as a kubelet would; ExaBGP's start is the speaker's.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import yaml

from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.chaos.faults import DRAIN_S, Fault, FaultKind, Place
from herald.lab.chaos.stage import Stage
from herald.lab.command import LabError
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.namespace import processes_in
from herald.lab.process import Process
from herald.lab.topology import MachineName

CLOCK_STEP_S = 7200
EDITED_KEEPALIVE_S = 2
END_S = 5.0
DRAIN_FILE = "drain.yaml"


def act(stage: Stage, fault: Fault) -> AbstractAsyncContextManager[None]:
    """The fault holds inside of it."""
    return ACTS[fault.kind](stage, fault.place)


@asynccontextmanager
async def _endpoint_flap(stage: Stage, place: Place) -> AsyncIterator[None]:
    service = _given(place.service)
    stage.deployment.write_slice(service, unready=[_given(place.node)])
    yield
    stage.deployment.write_slice(service)


@asynccontextmanager
async def _service(stage: Stage, place: Place) -> AsyncIterator[None]:
    service = _given(place.service)
    stage.deployment.write_service(service)
    yield
    for folder in ("services", "slices"):
        stage.deployment.remove(f"{folder}/{service}.yaml")


@asynccontextmanager
async def _link_cut(stage: Stage, place: Place) -> AsyncIterator[None]:
    for tor in _tors(stage, place):
        await stage.lab.cut(_given(place.node), tor)
    yield
    for tor in _tors(stage, place):
        await stage.lab.restore(_given(place.node), tor)


@asynccontextmanager
async def _silence(stage: Stage, place: Place) -> AsyncIterator[None]:
    for tor in _tors(stage, place):
        await stage.lab.silence(_given(place.node), tor)
    yield
    for tor in _tors(stage, place):
        await stage.lab.unsilence(_given(place.node), tor)


@asynccontextmanager
async def _tor_restart(stage: Stage, place: Place) -> AsyncIterator[None]:
    router = stage.lab.routers[MachineName(_given(place.tor))]
    await router.stop()
    yield
    await router.start()


@asynccontextmanager
async def _speaker_kill(stage: Stage, place: Place) -> AsyncIterator[None]:
    node = _given(place.node)
    await _kill(stage.deployment.speakers[node])
    yield
    stage.deployment.start_speaker(node)


@asynccontextmanager
async def _bfd_kill(stage: Stage, place: Place) -> AsyncIterator[None]:
    node = _given(place.node)
    await _kill(stage.deployment.bfds[node])
    yield
    stage.deployment.start_bfd(node)


@asynccontextmanager
async def _controller_kill(stage: Stage, _: Place) -> AsyncIterator[None]:
    await _kill(stage.controller)
    yield
    stage.deployment.start_controller()


@asynccontextmanager
async def _exabgp_kill(stage: Stage, place: Place) -> AsyncIterator[None]:
    _signal(_exabgps(stage, place), signal.SIGKILL)
    yield


@asynccontextmanager
async def _stop(programs: Callable[[Stage, Place], list[int]], stage: Stage, place: Place) -> AsyncIterator[None]:
    """SIGSTOP: what is stopped exists, holds its connections and does nothing."""
    stopped = programs(stage, place)
    _signal(stopped, signal.SIGSTOP)
    yield
    _signal(stopped, signal.SIGCONT)


@asynccontextmanager
async def _source_outage(stage: Stage, _: Place) -> AsyncIterator[None]:
    deployment = stage.deployment
    if isinstance(deployment, KubeDeployment):
        await deployment.cluster.api.stop()
        yield
        await deployment.cluster.api.start()
    else:
        away = deployment.directory / "manifests-away"
        deployment.manifests.rename(away)
        yield
        away.rename(deployment.manifests)


@asynccontextmanager
async def _clock_step(stage: Stage, _: Place) -> AsyncIterator[None]:
    stage.set_clocks(CLOCK_STEP_S)
    yield
    stage.set_clocks(0)


@asynccontextmanager
async def _drain(stage: Stage, place: Place) -> AsyncIterator[None]:
    spec = {"nodes": [_given(place.node)], "drainSeconds": DRAIN_S, "reason": "chaos", "force": True}
    stage.deployment.write(DRAIN_FILE, manifests.dump([manifests.manifest(Kind.DRAIN, "chaos", spec)]))
    yield
    stage.deployment.remove(DRAIN_FILE)


@asynccontextmanager
async def _config_edit(stage: Stage, place: Place) -> AsyncIterator[None]:
    """One peer's keepalive time. All else in the file is written anew, and means the same."""
    _set_keepalive(stage, place, EDITED_KEEPALIVE_S)
    yield
    _set_keepalive(stage, place, stage.lab.topology.settings.keepalive_time_s)


def _tors(stage: Stage, place: Place) -> list[str]:
    """A node's cable to the control plane is not meant."""
    return [place.tor] if place.tor else [*stage.lab.topology.tors_of(_given(place.node))]


async def _kill(process: Process) -> None:
    process.kill()
    await process.wait(END_S)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    """One that has ended meanwhile, as an ExaBGP may, needs none."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _exabgps(stage: Stage, place: Place) -> list[int]:
    """The node's ExaBGP for its session with that ToR, if it runs now."""
    node, tor = _given(place.node), _given(place.tor)
    address = stage.lab.topology.cable(node, tor).upper.address(4)
    return [
        pid
        for pid in processes_in([stage.lab.namespace(node)])
        if "launch.py" in (command := _command(pid)) and f"/{address}-" in command
    ]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _set_keepalive(stage: Stage, place: Place, seconds: int) -> None:
    path = stage.deployment.manifests / "network.yaml"
    objects = list(yaml.safe_load_all(path.read_text()))
    (peer,) = (each for each in objects if each["metadata"]["name"] == f"{place.node}-{place.tor}")
    peer["spec"]["keepaliveTimeSeconds"] = seconds
    stage.deployment.write("network.yaml", yaml.safe_dump_all(objects, sort_keys=False))


def _given(name: str | None) -> str:
    if name is None:
        raise LabError("this kind of fault needs to be told where")
    return name


ACTS: Mapping[FaultKind, Callable[[Stage, Place], AbstractAsyncContextManager[None]]] = {
    FaultKind.ENDPOINT_FLAP: _endpoint_flap,
    FaultKind.SERVICE: _service,
    FaultKind.LINK_CUT: _link_cut,
    FaultKind.SILENCE: _silence,
    FaultKind.TOR_RESTART: _tor_restart,
    FaultKind.SPEAKER_KILL: _speaker_kill,
    FaultKind.SPEAKER_STOP: partial(_stop, lambda stage, place: [stage.deployment.speakers[_given(place.node)].pid]),
    FaultKind.EXABGP_KILL: _exabgp_kill,
    FaultKind.EXABGP_STOP: partial(_stop, _exabgps),
    FaultKind.BFD_KILL: _bfd_kill,
    FaultKind.BFD_STOP: partial(_stop, lambda stage, place: [stage.deployment.bfds[_given(place.node)].pid]),
    FaultKind.CONTROLLER_KILL: _controller_kill,
    FaultKind.CONTROLLER_STOP: partial(_stop, lambda stage, _: [stage.controller.pid]),
    FaultKind.SOURCE_OUTAGE: _source_outage,
    FaultKind.CLOCK_STEP: _clock_step,
    FaultKind.CONFIG_EDIT: _config_edit,
    FaultKind.DRAIN: _drain,
}
