"""The controller as a program: makes the parts, starts them, and ends them in order.

Order of the end: no more changes are taken, writes on their way end, then the lock is given up. What is decided and not yet
written is decided again at the next start.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from controller.leftovers import leftovers
from controller.metrics import ControllerCollector
from controller.plan import KINDS, Plan
from controller.reconcile import WRITERS, Reconciler
from herald.kube.directory import ControllerLock, DirectorySource, DirectoryStatusWriter
from herald.kube.source import Changes, Source
from herald.program.http import Health, Listen, monitoring
from herald.program.logs import fields
from herald.program.shutdown import shutdown_requested

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The controller's flags. `secrets` is given so that it may lie inside `manifests`; no Secret is used."""

    manifests: Path
    state: Path
    secrets: Path | None
    load_balancer_class: str
    listen: Listen


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. While another controller holds the state directory this one waits, and does nothing."""
    with shutdown_requested() as stop:
        async with AsyncExitStack() as stack:
            lock = asyncio.create_task(stack.enter_async_context(ControllerLock(settings.state)))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({lock, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not lock.cancel():
                lock.result()
                await _lead(settings, stop)
    log.info("ended")


async def _lead(settings: Settings, stop: asyncio.Event) -> None:
    """Assign, as the only controller. Everything is read after the lock was taken."""
    writer = DirectoryStatusWriter(settings.state)
    reconciler = Reconciler(Plan(settings.load_balancer_class), writer, tuple(leftovers(settings.state)))
    source: Source = DirectorySource(settings.manifests, KINDS, secrets=settings.secrets, status=settings.state)
    registry = CollectorRegistry()
    registry.register(ControllerCollector(reconciler))
    changes = Changes()
    async with monitoring(settings.listen, registry, lambda: _health(reconciler)) as where, asyncio.TaskGroup() as tasks:
        inward = [tasks.create_task(source.run(changes)), tasks.create_task(reconciler.observe(changes))]
        for _ in range(WRITERS):
            tasks.create_task(reconciler.write())
        log.info("started", extra=fields(listen=where, load_balancer_class=settings.load_balancer_class))
        await stop.wait()
        for task in inward:
            task.cancel()
        reconciler.end()


def _health(reconciler: Reconciler) -> Health:
    """Healthy once it can assign. A stale kind is named, but a restart would not mend it."""
    unsynced = reconciler.plan.unsynced
    checks = {"synced": f"not listed yet: {', '.join(sorted(unsynced))}" if unsynced else "ok"}
    checks |= {f"source {kind}": f"stale: {why}" for kind, why in reconciler.plan.stale.items()}
    return Health(ok=not unsynced, checks=checks)
