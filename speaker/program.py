"""The speaker as a program: makes the parts, starts them, and ends them in order.

Order of the end: routes are withdrawn and sessions closed (the engine's own bound), then bound VIPs come off, then the rest.
"""

import asyncio
import logging

from prometheus_client import CollectorRegistry

from herald.kube.source import Changes, Source
from herald.program.http import Health, Listen, monitoring
from herald.program.logs import fields
from herald.program.shutdown import shutdown_requested
from speaker.daemon import Settings, Speaker
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.lock import SpeakerLock
from speaker.metrics import SpeakerCollector
from speaker.netlink import Netlink

log = logging.getLogger(__name__)


async def run(settings: Settings, source: Source, listen: Listen) -> None:
    """Until SIGTERM or SIGINT. Raises AnotherSpeakerError when one runs in this network namespace already."""
    with SpeakerLock(), shutdown_requested() as stop:
        async with Netlink() as netlink, asyncio.TaskGroup() as tasks:
            changes = Changes()
            speaker = Speaker(settings, netlink, changes)
            engine = ExaBgpEngine(directory=settings.runtime_dir / "exabgp", on_event=speaker.on_session_event)
            serving = [tasks.create_task(source.run(changes))]
            if speaker.admission:
                serving.append(tasks.create_task(speaker.admission.poll.run()))
            tasks.create_task(engine.run())
            registry = CollectorRegistry()
            registry.register(SpeakerCollector(speaker))
            async with monitoring(listen, registry, lambda: _health(speaker)) as where:
                log.info("started", extra=fields(node=settings.node_name, listen=where))
                await speaker.run(engine, stop)
                for task in serving:
                    task.cancel()
                await engine.aclose(withdraw=True)
                await speaker.unbind_all()
        log.info("ended", extra=fields(node=settings.node_name))


def _health(speaker: Speaker) -> Health:
    cluster = speaker.core.cluster
    checks = {"synced": "ok" if cluster.synced else "not every kind has been listed yet"}
    checks |= {f"source {kind}": f"stale: {why}" for kind, why in cluster.stale.items()}
    return Health(ok=cluster.synced, checks=checks)
