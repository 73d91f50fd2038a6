"""The controller on a Kubernetes API as a program: one of several replicas, of which the holder of the Lease assigns.

A leader begins with nothing: it lists everything afresh before it assigns, and what an earlier leader decided it reads off
the Services. Order of the end: no more changes are taken, writes on their way end, then the Lease is given up.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from controller.api_writer import ApiStatusWriter
from controller.config_writer import ConfigWriter
from controller.drain import survey
from controller.drain.drainer import Drainer
from controller.drain.grants import Limits
from controller.drain.metrics import DrainCollector
from controller.drain.speakers import ApiSpeakers
from controller.drain.writer import ApiDrainWriter
from controller.elector import Elector
from controller.events import Events
from controller.health import health
from controller.lease import Candidate, Terms
from controller.metrics import BuildCollector, ControllerCollector, LeaderCollector
from controller.plan import KINDS, Plan
from controller.reconcile import Reconciler
from controller.undertaker import Undertaker
from herald.kube.api import ApiClient, ApiSource
from herald.kube.api.access import Access
from herald.kube.objects import ObjectKey
from herald.program.http import Health, Listen, monitoring
from herald.program.logs import fields
from herald.program.shutdown import shutdown_requested

log = logging.getLogger(__name__)

LEASE = "herald-controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`identity` is this replica's name in the Lease: its pod's, or the fence refuses what it writes."""

    access: Access
    identity: str
    namespace: str
    terms: Terms
    load_balancer_class: str
    listen: Listen
    service_metrics: bool = True
    drains: Limits = field(default_factory=Limits)


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises OSError if it cannot listen."""
    with shutdown_requested() as stop:
        async with ApiClient(settings.access) as client:
            candidate = Candidate(settings.identity, settings.terms)
            elector = Elector(client, ObjectKey(settings.namespace, LEASE), candidate)
            replica = Replica(
                client,
                elector,
                settings.load_balancer_class,
                stop,
                with_services=settings.service_metrics,
                drains=settings.drains,
            )
            async with monitoring(settings.listen, replica.registry, replica.health) as where:
                log.info("started", extra=fields(listen=where, load_balancer_class=settings.load_balancer_class))
                await elector.run(replica.lead, stop)
    log.info("ended")


@dataclass(slots=True)
class Replica:
    """What this replica does while it leads, and what it says of itself."""

    client: ApiClient
    elector: Elector
    load_balancer_class: str
    stop: asyncio.Event
    with_services: bool = True
    drains: Limits = field(default_factory=Limits)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _reconciler: Reconciler | None = None

    def __post_init__(self) -> None:
        self.registry.register(BuildCollector())
        self.registry.register(LeaderCollector(self.elector))

    async def lead(self) -> None:
        """Assign, as the only controller, until the stop or the end of the Lease."""
        plan = Plan(self.load_balancer_class)
        reconciler = self._reconciler = Reconciler(plan, ApiStatusWriter(self.client, self._may_write))
        configs, events = ConfigWriter(self.client, plan, self._may_write), Events(self.client, self.elector.identity)
        undertaker = Undertaker(self.client, self._may_write)
        drainer = self._drainer(plan, events)

        def settled() -> None:
            configs.wake()
            drainer.wake()

        reconciler.on_settled, reconciler.on_written = settled, events.written
        collectors = (
            ControllerCollector(reconciler, self.client.tally, with_services=self.with_services),
            DrainCollector(drainer),
        )
        for collector in collectors:
            self.registry.register(collector)
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(each.run()) for each in (configs, events, undertaker, drainer)]
                await reconciler.run(ApiSource(self.client, KINDS), self.stop)
                for task in beside:
                    task.cancel()
        finally:
            for collector in collectors:
                self.registry.unregister(collector)
            self._reconciler = None

    def _drainer(self, plan: Plan, events: Events) -> Drainer:
        return Drainer(
            plan=plan,
            limits=self.drains,
            speakers=ApiSpeakers(self.client),
            writer=ApiDrainWriter(self.client, events.say),
            open_source=lambda: ApiSource(self.client, survey.KINDS),
            may_write=self._may_write,
        )

    def _may_write(self) -> bool:
        return self.elector.is_leading

    def health(self) -> Health:
        """A standby is healthy as long as it can see the Lease."""
        lease = self.elector.trouble or "ok"
        if self._reconciler is None:
            return Health(ok=not self.elector.trouble, checks={"lease": lease, "leader": self.elector.candidate.holder})
        own = health(self._reconciler)
        return Health(ok=own.ok, checks={"lease": lease, **own.checks})
