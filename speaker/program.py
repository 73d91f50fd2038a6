"""The speaker as a program: makes the parts, starts them, and ends them in order.

Order of the end: routes are withdrawn and sessions closed (the engine's own bound), then bound VIPs come off, then the rest.
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
from herald.kube.source import Changes
from herald.program.http import Health, Listen, monitoring
from herald.program.logs import fields
from herald.program.shutdown import shutdown_requested
from speaker.daemon import Speaker
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.lock import SpeakerLock
from speaker.health.metrics import HealthCollector
from speaker.metrics import SpeakerCollector
from speaker.netlink import Netlink
from speaker.probes import liveness, readiness
from speaker.reporter import Reporter
from speaker.session import Ending
from speaker.settings import Settings
from speaker.status_socket import answering
from speaker.witnesses import Witnesses

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
    """Until SIGTERM or SIGINT. Raises AnotherSpeakerError when one runs in this network namespace already."""
    with SpeakerLock(), shutdown_requested() as stop:
        async with AsyncExitStack() as clients, Netlink() as netlink, asyncio.TaskGroup() as tasks:
            changes = Changes()
            witnesses = Witnesses.of(settings, changes.wake)
            speaker = Speaker(settings, netlink, changes, witnesses)
            engine = ExaBgpEngine(
                directory=settings.runtime_dir / "exabgp", on_event=speaker.on_session_event, alive=speaker.is_turning
            )
            serving = [tasks.create_task(objects.source.run(changes))]
            if isinstance(objects, FromApi):
                reporter = Reporter(client=await clients.enter_async_context(objects.client), render=speaker.report)
                speaker.on_change = reporter.wake
                speaker.surroundings.want_secrets = objects.source.want_secrets
                serving.append(tasks.create_task(reporter.run()))
            if witnesses.pool_guard:
                serving.append(tasks.create_task(witnesses.pool_guard.run(netlink)))
            if witnesses.admission:
                serving.append(tasks.create_task(witnesses.admission.poll.run()))
            serving.append(tasks.create_task(witnesses.bfd.client.run()))
            serving.append(tasks.create_task(witnesses.health.prober.run()))
            tasks.create_task(engine.run())
            registry = CollectorRegistry()
            tally = objects.client.tally if isinstance(objects, FromApi) else None
            registry.register(SpeakerCollector(speaker, tally, with_services=settings.service_metrics))
            registry.register(HealthCollector(witnesses.health))
            async with monitoring(listen, registry, *_probes(speaker)) as where:
                log.info("started", extra=fields(node=settings.node_name, listen=where))
                async with answering(speaker, settings.runtime_dir):
                    await speaker.run(engine, stop)
                for task in serving:
                    task.cancel()
                await engine.aclose(Ending.WITHDRAW)
                await speaker.unbind_all()
        log.info("ended", extra=fields(node=settings.node_name))


def _probes(speaker: Speaker) -> tuple[Callable[[], Health], Callable[[], Health]]:
    return (
        lambda: readiness(speaker.core, speaker.table),
        lambda: liveness(time.monotonic() - speaker.turned_at),
    )
