"""Leads while it holds the Lease, and at no other time. What the Lease allows is the candidate's to say (`lease`).

The kubernetes client's own election is of no use: it cannot create a Lease, and goes on leading when it hears nothing.

- The leader's work is cancelled when its time is over, whatever a call to the server does: nothing here waits for one.
- A new leader waits one renewal before it works: every API server knows by then that the one before may write no more.
- The Lease is given up when the work has ended, so that the next one need not wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

from controller.lease import Candidate
from herald.kube.api import (
    ApiClient,
    ApiError,
    ConflictError,
    Lease,
    LeaseSpec,
    NotFoundError,
    UnreachableError,
    create_lease,
    get_lease,
    update_lease,
)
from herald.kube.api.pace import jittered
from herald.kube.objects import ObjectKey
from herald.program.logs import fields

log = logging.getLogger(__name__)


class Elector:
    """`trouble` is why the Lease could not be read or written when that was tried last; empty when it could."""

    def __init__(self, client: ApiClient, key: ObjectKey, candidate: Candidate) -> None:
        self.candidate = candidate
        self.trouble = ""
        self._client = client
        self._key = key
        self._lease: Lease | None = None

    @property
    def identity(self) -> str:
        return self.candidate.identity

    @property
    def is_leading(self) -> bool:
        return self.candidate.leads(asyncio.get_running_loop().time())

    async def run(self, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Until `stop` is set: calls `work` whenever it leads, and cancels it when it does no longer.

        `work` ends by itself once `stop` is set.
        """
        try:
            while not stop.is_set():
                await self._stand_by(stop)
                if self.is_leading:
                    await self._lead(work)
        finally:
            await self._give_up()

    async def _stand_by(self, stop: asyncio.Event) -> None:
        log.info("standby", extra=fields(identity=self.identity))
        holder = ""
        while not stop.is_set():
            await self._try()
            if self.is_leading:
                return
            if self.candidate.holder != holder:
                holder = self.candidate.holder
                log.info("another leads", extra=fields(holder=holder))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), jittered(self.candidate.terms.renew_s))

    async def _lead(self, work: Callable[[], Awaitable[None]]) -> None:
        log.info("leading", extra=fields(identity=self.identity))
        try:
            async with asyncio.timeout_at(self.candidate.leads_until) as term, asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew(term))
                await asyncio.sleep(self.candidate.terms.renew_s)
                await work()
                renewing.cancel()
        except TimeoutError:
            log.warning("leads no longer", extra=fields(holder=self.candidate.holder, trouble=self.trouble))

    async def _renew(self, term: asyncio.Timeout) -> NoReturn:
        while True:
            await asyncio.sleep(self.candidate.terms.renew_s)
            await self._try()
            term.reschedule(self.candidate.leads_until)

    async def _try(self) -> None:
        """Look at the Lease, and take or renew it if we may. A failure changes nothing but `trouble`."""
        try:
            async with asyncio.timeout(self.candidate.terms.call_s):
                await self._look_and_claim()
        except (ApiError, UnreachableError, TimeoutError) as error:
            self._lease = None  # whether a claim was written is not known
            trouble = "" if isinstance(error, ConflictError) else str(error) or "no answer in time"
            if trouble and not self.trouble:
                log.warning("the Lease cannot be used", extra=fields(lease=self._key, error=trouble))
            self.trouble = trouble
        else:
            self.trouble = ""

    async def _look_and_claim(self) -> None:
        loop = asyncio.get_running_loop()
        if self._lease is None or not self.is_leading:
            self._lease = await self._look()
            self.candidate.saw(self._lease.spec if self._lease else LeaseSpec(), loop.time())
        asked_at = loop.time()
        claim = self.candidate.claim(asked_at, datetime.now(UTC))
        if claim is not None:
            self._lease = await self._write(claim)
            self.candidate.granted(claim, asked_at)

    async def _look(self) -> Lease | None:
        try:
            return await get_lease(self._client, self._key)
        except NotFoundError:
            return None

    async def _write(self, spec: LeaseSpec) -> Lease:
        """Only over what was seen."""
        if self._lease is None:
            return await create_lease(self._client, self._key, spec)
        return await update_lease(self._client, self._lease, spec)

    async def _give_up(self) -> None:
        if not self.is_leading:
            return
        try:
            async with asyncio.timeout(self.candidate.terms.call_s):
                await self._write(self.candidate.release(datetime.now(UTC)))
        except (ApiError, UnreachableError, TimeoutError) as error:
            log.warning("the Lease was not given up", extra=fields(lease=self._key, error=error))
        else:
            log.info("released", extra=fields(lease=self._key))
