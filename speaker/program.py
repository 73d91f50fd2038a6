"""The speaker as a program: makes the parts, starts them, and ends them in order.

Order of the end: the state is written; routes are withdrawn, or left for a successor, and sessions closed (the engine's own
bound); then bound VIPs come off, unless a peer keeps their routes; then the rest.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client import CollectorRegistry

from herald.kube.api import ApiClient, ApiSource
from herald.kube.directory import DirectorySource
from herald.program.http import Health, Listen, monitoring
from herald.program.logs import fields
from herald.program.shutdown import shutdown_requested
from speaker.bfd.metrics import BfdCollector
from speaker.by_hand.command_socket import taking_orders
from speaker.by_hand.metrics import ByHandCollector
from speaker.by_hand.switch import Switch
from speaker.daemon import Speaker
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.lock import SpeakerLock
from speaker.farewell import farewell
from speaker.health.memory import HealthMemory
from speaker.health.metrics import HealthCollector
from speaker.host import Host
from speaker.metrics import SpeakerCollector
from speaker.netlink import Netlink
from speaker.probes import liveness, readiness
from speaker.reporter import Reporter
from speaker.runtime_dir import prepare
from speaker.settings import Settings
from speaker.state.chronicle import Chronicle
from speaker.state.file import Origin, this_boot
from speaker.state.folder import inherit
from speaker.state.mailbox import RecallingChanges
from speaker.state.metrics import StateCollector
from speaker.state.parts import Admitted, Flapping, LeavingSince, Overdue, Refused, SilentSince, StaleSince
from speaker.state.recall import Manners, Recall
from speaker.state.record import Part
from speaker.status_socket import answering
from speaker.witnesses import Witnesses

API_HOLD_S, FILES_HOLD_S = 10.0, 2.0
"""Configuration that vanished while no speaker ran is kept for so long (rule 5), as it would have been by a running one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FromDirectory:
    """Objects from files; nothing is written back."""

    source: DirectorySource


@dataclass(frozen=True, slots=True)
class FromApi:
    """Objects from an API server, where the state of this node is written too."""

    client: ApiClient
    source: ApiSource


Objects: TypeAlias = FromDirectory | FromApi


async def run(settings: Settings, objects: Objects, listen: Listen) -> None:
    """Until SIGTERM or SIGINT. Raises RuntimeDirError, and AnotherSpeakerError when this network namespace has one."""
    prepare(settings.runtime_dir)
    with SpeakerLock(), shutdown_requested() as stop:
        host = Host(settings.systemd_state)
        async with AsyncExitStack() as clients, Netlink() as netlink, asyncio.TaskGroup() as tasks:
            changes, speaker, engine, chronicle = _assemble(settings, objects, netlink)
            witnesses = speaker.witnesses
            serving = [tasks.create_task(objects.source.run(changes))]
            serving.append(tasks.create_task(changes.settle(settings.sync_timeout_s)))
            serving.append(tasks.create_task(chronicle.run()))
            if isinstance(objects, FromApi):
                reporter = Reporter(client=await clients.enter_async_context(objects.client), render=speaker.report)
                speaker.on_change = witnesses.bfd.on_change = reporter.wake
                speaker.surroundings.want_secrets = objects.source.want_secrets
                serving.append(tasks.create_task(reporter.run()))
            if witnesses.pool_guard:
                serving.append(tasks.create_task(witnesses.pool_guard.run(netlink)))
            if witnesses.admission:
                serving.append(tasks.create_task(witnesses.admission.poll.run()))
            serving.append(tasks.create_task(witnesses.bfd.client.run()))
            serving.append(tasks.create_task(witnesses.health.prober.run()))
            serving.append(tasks.create_task(Switch(witnesses.by_hand).run()))
            tasks.create_task(engine.run())
            registry = CollectorRegistry()
            tally = objects.client.tally if isinstance(objects, FromApi) else None
            registry.register(SpeakerCollector(speaker, tally, with_services=settings.service_metrics))
            registry.register(StateCollector(chronicle, witnesses.memory))
            registry.register(HealthCollector(witnesses.health))
            registry.register(ByHandCollector(witnesses.by_hand))
            registry.register(BfdCollector(witnesses.bfd, speaker.core))
            async with monitoring(listen, registry, *_probes(speaker)) as where:
                log.info("started", extra=fields(node=settings.node_name, listen=where))
                async with answering(speaker, settings.runtime_dir), taking_orders(witnesses.by_hand, speaker.core.cluster):
                    await speaker.run(engine, stop)
                for task in serving:
                    task.cancel()
                await chronicle.close()
                shutting_down = host.is_shutting_down(speaker.core.cluster.node)
                if not await engine.aclose(farewell(speaker.core, host_is_shutting_down=shutting_down)):
                    await speaker.unbind_all()
        log.info("ended", extra=fields(node=settings.node_name))


def _assemble(
    settings: Settings, objects: Objects, netlink: Netlink
) -> tuple[RecallingChanges, Speaker, ExaBgpEngine, Chronicle]:
    """The parts, with what the last speaker of this boot left; what is not kept of that is let go."""
    origin = Origin(node=settings.node_name, boot=this_boot())
    inheritance = inherit(settings.runtime_dir, origin)
    remembered = inheritance.remembered.objects
    changes = RecallingChanges(Recall(remembered, _manners(objects)))
    witnesses = Witnesses.of(settings, changes.wake, remembered)
    speaker = Speaker(settings, netlink, changes, witnesses)
    engine = ExaBgpEngine(
        directory=settings.runtime_dir / "exabgp", on_event=speaker.on_session_event, alive=speaker.is_turning
    )
    parts = _parts(speaker, engine)
    speaker.recall(remembered)
    witnesses.by_hand.recall()
    inheritance.hand_out(parts)
    speaker.core.greets = inheritance.is_first_of_boot
    witnesses.memory.set_aside = inheritance.set_aside
    chronicle = Chronicle(settings.runtime_dir, origin, speaker.core, witnesses.memory, parts)
    engine.refusals.on_change = chronicle.touch
    return changes, speaker, engine, chronicle


def _manners(objects: Objects) -> Manners:
    hold_s = API_HOLD_S if isinstance(objects, FromApi) else FILES_HOLD_S
    return Manners(hold_s=hold_s, withholds=objects.source.withholds)


def _parts(speaker: Speaker, engine: ExaBgpEngine) -> list[Part]:
    """What is handed on to the next speaker of this boot, beyond the objects."""
    core, witnesses = speaker.core, speaker.witnesses
    admission = witnesses.admission
    of_data_path: list[Part] = [Overdue(admission, core), SilentSince(admission.poll)] if admission else []
    return [
        Admitted(core),
        *of_data_path,
        Flapping(witnesses.flaps, core),
        LeavingSince(witnesses.leaving),
        StaleSince(speaker.staleness),
        Refused(engine.refusals),
        HealthMemory(witnesses.health.judge),
    ]


def _probes(speaker: Speaker) -> tuple[Callable[[], Health], Callable[[], Health]]:
    return (
        lambda: readiness(speaker.core, speaker.table),
        lambda: liveness(time.monotonic() - speaker.turned_at),
    )
