"""The loops: changes into the plan, and the plan's writes to the cluster. The one owner of the plan.

A write is recorded as done only when it is acknowledged. One that fails is repeated, with the newest decision, after a
backoff of its own for each Service. A write is never given up half-way, since it would still be on its way when the next one
is made: that it ends in bounded time is the StatusWriter's part.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import assert_never

from bgp_config.kind import ConfigKey
from bgp_config.verdict import Verdict
from controller.plan import Plan
from controller.record import Forget, SayPending, SetIngress, Write
from controller.workqueue import WorkQueue
from herald.kube.objects import ObjectKey, Service
from herald.kube.ports import OwnedElsewhereError, StatusWriter, WriteRefusedError
from herald.kube.source import Changes, Source
from herald.kube.staleness import Staleness
from herald.program.logs import fields

log = logging.getLogger(__name__)

WRITERS = 8
"""Writes that are on their way at the same time."""
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.1, 30.0
LEFTOVER_S = 3.0
"""For so long a Service may be missing after the start before what was written about it is forgotten: someone may just be
writing its manifest anew."""


class Reconciler:
    """`on_settled` is called when something was decided or became known, `on_written` with each write that is done.

    `leftovers` are the Services about which something is written, whether they exist or not, each with the VIPs written.

    Those that do not exist keep their addresses from others until that is forgotten.
    """

    def __init__(self, plan: Plan, writer: StatusWriter, leftovers: Collection[Service] = ()) -> None:
        self.plan = plan
        self.staleness = Staleness()
        self.on_settled: Callable[[], None] = lambda: None
        self.on_written: Callable[[Write], None] = lambda _: None
        self.writes: Counter[type[Write]] = Counter()
        self.errors: Counter[type[Write]] = Counter()
        self._writer = writer
        self._queue = WorkQueue()
        self._failures: Counter[ObjectKey] = Counter()
        self._verdicts: Mapping[ConfigKey, Verdict] = {}
        self._leftovers = {service.key for service in leftovers}
        for service in leftovers:
            plan.inherit(service)

    async def run(self, source: Source, stop: asyncio.Event) -> None:
        """Assign until `stop` is set. Then no more changes are taken, and writes on their way end."""
        changes = Changes()
        async with asyncio.TaskGroup() as tasks:
            inward = [tasks.create_task(source.run(changes)), tasks.create_task(self.observe(changes))]
            for _ in range(WRITERS):
                tasks.create_task(self.write())
            try:
                await stop.wait()
            finally:
                self.end()
            for task in inward:
                task.cancel()

    async def observe(self, changes: Changes) -> None:
        """Takes changes until it is cancelled."""
        while True:
            unsynced = self.plan.unsynced
            taken = await changes.take()
            self.staleness.heard(taken, time.monotonic())
            for change in taken:
                self.plan.apply(change)
            self._log_verdicts()
            if unsynced and not self.plan.unsynced:
                log.info("synced", extra=fields(services=len(self.plan.records)))
            self._settle()

    async def write(self) -> None:
        """Writes, one at a time, until the end. Several of these run side by side."""
        while (key := await self._queue.get()) is not None:
            write = self.plan.next_write(key)
            if write is not None:
                await self._write(write)

    def end(self) -> None:
        """No further write is begun; those on their way end."""
        self._queue.close()

    def _settle(self) -> None:
        for key in self.plan.settle():
            write = self.plan.next_write(key)
            if isinstance(write, Forget) and key in self._leftovers:
                self._queue.add_after(key, LEFTOVER_S)
            elif write is not None:
                self._queue.add(key)
            self._leftovers.discard(key)
        self.on_settled()

    async def _write(self, write: Write) -> None:
        key = write.service.key
        self.plan.begin(write)
        try:
            version = await self._perform(write)
        except OwnedElsewhereError as refusal:
            self.errors[type(write)] += 1
            log.warning("owned by another", extra=fields(service=key, manager=refusal.manager))
            self.plan.yield_to(refusal.manager, write)
            self._settle()
            return
        except (WriteRefusedError, OSError) as error:
            self.errors[type(write)] += 1
            self._failures[key] += 1
            delay_s = _backoff_s(self._failures[key])
            log.warning("write failed", extra=fields(service=key, error=error, retry_in_s=round(delay_s, 3)))
            self.plan.fail(write)
            self._queue.add_after(key, delay_s)
            return
        self.writes[type(write)] += 1
        self._failures.pop(key, None)
        _log_done(write)
        self.on_written(write)
        self.plan.acknowledge(write, version)
        self._settle()

    async def _perform(self, write: Write) -> str:
        """The object's version as written."""
        match write:
            case SetIngress(service, vips):
                return await self._writer.write_ingress(service, vips)
            case SayPending(service, unmet):
                return await self._writer.write_pending(service, unmet.reason, unmet.message)
            case Forget(service):
                await self._writer.forget(service)
                return ""
            case _:
                assert_never(write)

    def _log_verdicts(self) -> None:
        """Each configuration object that is refused, or accepted after that, once."""
        if self.plan.verdicts is self._verdicts:
            return
        before, self._verdicts = self._verdicts, self.plan.verdicts
        for key, verdict in self._verdicts.items():
            known = before.get(key)
            if verdict.problems and (known is None or known.problems != verdict.problems):
                problems = [str(problem) for problem in verdict.problems]
                log.warning("refused", extra=fields(object=key, in_force=verdict.in_force, problems=problems))
            elif known and known.problems and verdict.accepted:
                log.info("accepted", extra=fields(object=key))


def _log_done(write: Write) -> None:
    match write:
        case SetIngress(service, ()):
            log.info("released", extra=fields(service=service.key, vips=service.vips))
        case SetIngress(service, vips):
            log.info("assigned", extra=fields(service=service.key, vips=vips, before=service.vips))
        case SayPending(service, unmet):
            word = "request not met" if service.vips else "pending"
            log.warning(word, extra=fields(service=service.key, reason=unmet.reason, why=unmet.message))
        case Forget(service):
            log.info("forgotten", extra=fields(service=service.key, vips=service.vips))
        case _:
            assert_never(write)


def _backoff_s(failures: int) -> float:
    """Doubles with each failure; jittered, so that what failed together is not repeated together."""
    bound = min(BACKOFF_LAST_S, BACKOFF_FIRST_S * 2.0 ** min(failures, 16))
    return bound * random.uniform(0.5, 1.0)  # noqa: S311 -- not for secrets
