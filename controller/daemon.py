"""The controller on a directory as a program: makes the parts, starts them, and ends them in order.

Order of the end: no more changes are taken, writes on their way end, then the lock is given up. What is decided and not yet
written is decided again at the next start.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from controller.drain import survey
from controller.drain.drainer import Drainer
from controller.drain.grants import Limits
from controller.drain.metrics import DrainCollector
from controller.drain.speakers import Unheard
from controller.health import health
from controller.leftovers import leftovers
from controller.metrics import BuildCollector, ControllerCollector, LeaderCollector
from controller.plan import KINDS, Plan
from controller.reconcile import Reconciler
from herald.kube.directory import ControllerLock, DirectoryDrainWriter, DirectorySource, DirectoryStatusWriter
from herald.program.http import Listen, monitoring
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
    service_metrics: bool = True
    drains: Limits = field(default_factory=Limits)


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
    source = DirectorySource(settings.manifests, KINDS, secrets=settings.secrets, status=settings.state)
    drainer = Drainer(
        plan=reconciler.plan,
        limits=settings.drains,
        speakers=Unheard(),
        writer=DirectoryDrainWriter(settings.state),
        open_source=lambda: DirectorySource(settings.manifests, survey.KINDS, settings.secrets, settings.state),
        may_write=lambda: True,
        withholds=source.withholds,
    )
    reconciler.on_settled = drainer.wake
    registry = CollectorRegistry()
    registry.register(BuildCollector())
    registry.register(LeaderCollector())
    registry.register(ControllerCollector(reconciler, with_services=settings.service_metrics))
    registry.register(DrainCollector(drainer))
    async with monitoring(settings.listen, registry, lambda: health(reconciler)) as where, asyncio.TaskGroup() as tasks:
        log.info("started", extra=fields(listen=where, load_balancer_class=settings.load_balancer_class))
        draining = tasks.create_task(drainer.run())
        await reconciler.run(source, stop)
        draining.cancel()
