"""Keeps this node's BGPNode and BGPSessions at the API server as the speaker is. Nothing ever waits for it.

- A change of state is written at once (those of SETTLE_S together), so is a Service that becomes not normal here, if
  nothing was written for WORDS_S, and the end of what passes, for PASSED_S; counts some seconds after a change of state and
  else once a minute, a heartbeat every HEARTBEAT_S.
  Only the last state counts: an API server that is away costs no memory, and finds the latest when it is back.
- Objects are made by this speaker, owned by its Node, and removed when their peer is. They are written by force: they are
  nobody else's, and a controller that took us for dead has put Unknown there.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias

import msgspec

from bgp_config.status.node import HEARTBEAT_S, SILENCE_S, BGPNodeStatus
from bgp_config.status.session import BGPSessionStatus
from herald.kube.api import (
    BGP_NODES,
    BGP_SESSIONS,
    ApiClient,
    ApiError,
    ConflictError,
    FieldManager,
    InvalidError,
    NotFoundError,
    Target,
    UnreachableError,
    apply,
    apply_status,
    decode_answer,
)
from herald.kube.objects import Metadata, Node, ObjectKey
from herald.program.logs import fields
from speaker.status import Moment, passing_of, state_of, words_of

log = logging.getLogger(__name__)

SETTLE_S = 0.2
BEAT_S = 0.8 * HEARTBEAT_S
"""Due so much earlier, that with all jitter it is not late."""
LOOK_S = 3.0
"""How often it is looked at what is due."""
COUNTS_S = (60.0, 75.0)
AFTER_STATE_S = (3.0, 8.0)
"""How long until counts may be written (again): usually, and after a change of state, which they follow."""
WORDS_S = 2.0
"""So long after one write Services that are not normal may be written again: a controller grants drains by them."""
PASSED_S = 8.0
"""So long after one write it may be said that what passes within seconds has passed. Not sooner, as where Services come and
go all the time the next has begun meanwhile.
"""
RETRY_FIRST_S = 1.0
RETRY_LAST_S = 10.0

ObjectStatus: TypeAlias = BGPNodeStatus | BGPSessionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What should be there now."""

    node: Node
    bgp_node: BGPNodeStatus
    sessions: Mapping[str, BGPSessionStatus]

    def objects(self) -> Iterator[tuple[Target, ObjectStatus]]:
        yield Target(resource=BGP_NODES, key=ObjectKey("", self.node.metadata.name)), self.bgp_node
        for name, status in self.sessions.items():
            yield Target(resource=BGP_SESSIONS, key=ObjectKey("", name)), status


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an object says at the server, when that was written, and from when on its counts may be written again."""

    uid: str
    status: ObjectStatus
    at: float
    counts_due_at: float

    def next(self, status: ObjectStatus, now: float) -> ObjectStatus | None:
        """What to write to it now, if anything."""
        if state_of(status) != state_of(self.status) or (status != self.status and now >= self._due_at(status)):
            return status
        beats = isinstance(status, BGPNodeStatus) and now - self.at >= BEAT_S
        return self.status if beats else None

    def _due_at(self, status: ObjectStatus) -> float:
        if words_of(status) != words_of(self.status):
            return min(self.at + WORDS_S, self.counts_due_at)
        if passing_of(self.status) - passing_of(status):
            return min(self.at + PASSED_S, self.counts_due_at)
        return self.counts_due_at


class _Named(msgspec.Struct):
    metadata: Metadata


class _List(msgspec.Struct):
    items: list[_Named]


@dataclass(slots=True)
class Reporter:
    """`render` tells what should be there; None while that is not known. One owner: its task."""

    client: ApiClient
    render: Callable[[Moment], Report | None]
    failures: int = 0
    _there: set[Target] = field(default_factory=set)
    _written: dict[Target, Written] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _owner: str = ""
    _complete_at: float = float("-inf")

    def wake(self) -> None:
        """Something changed."""
        self._changed.set()

    async def run(self) -> NoReturn:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()
            await asyncio.sleep(self._pause())
            self._changed.clear()
            try:
                await self._write()
            except (ApiError, UnreachableError) as error:
                if not self.failures:
                    log.warning("this node's status cannot be written", extra=fields(why=error))
                self.failures += 1
            else:
                self.failures = 0

    def _pause(self) -> float:
        if not self.failures:
            return SETTLE_S
        longest = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(self.failures - 1, 8))
        return longest * random.uniform(0.5, 1)  # noqa: S311 -- not for secrets

    async def _write(self) -> None:
        """Brings there what should be there, as far as it is not. Raises ApiError, UnreachableError."""
        moment = Moment(monotonic=time.monotonic(), utc=datetime.now(UTC))
        report = self.render(moment)
        if report is None:
            return
        if report.node.metadata.uid != self._owner or moment.monotonic - self._complete_at > SILENCE_S - HEARTBEAT_S:
            await self._take_over(report.node)
        wanted = dict(report.objects())
        for target, status in wanted.items():
            written = self._written.get(target)
            due = written.next(status, moment.monotonic) if written else status
            if due is not None:
                await self._bring(target, due, report.node, moment)
        for target in self._there - wanted.keys():
            await self._remove(target)
        self._complete_at = moment.monotonic

    async def _take_over(self, node: Node) -> None:
        """Nothing is known of what the objects say: at the start, for another Node of this name, and after a long time
        without a word from us, when they may say Unknown.
        """
        ours = [("fieldSelector", f"status.node={node.metadata.name}")]
        found = decode_answer(await self.client.get(BGP_SESSIONS.collection(), ours), _List)
        self._there = {Target(resource=BGP_SESSIONS, key=each.metadata.key) for each in found.items}
        self._written = {}
        self._owner = node.metadata.uid

    async def _bring(self, target: Target, status: ObjectStatus, node: Node, moment: Moment) -> None:
        """Makes the object if it is not there, or no longer the one that was."""
        written = self._written.pop(target, None)
        uid = written.uid if written else await self._make(target, node)
        try:
            await self._apply(target, uid, status, moment)
        except (NotFoundError, ConflictError, InvalidError):
            if not written:
                raise
            uid = await self._make(target, node)
            await self._apply(target, uid, status, moment)
        self._written[target] = Written(
            uid=uid, status=status, at=moment.monotonic, counts_due_at=counts_due_at(written, status, moment.monotonic)
        )

    async def _make(self, target: Target, node: Node) -> str:
        owner = {"apiVersion": "v1", "kind": "Node", "name": node.metadata.name, "uid": node.metadata.uid}
        metadata = {"ownerReferences": [owner]}
        made = await apply(self.client, FieldManager.SPEAKER, target, {"metadata": metadata}, force=True)
        self._there.add(target)
        return made.uid

    async def _apply(self, target: Target, uid: str, status: ObjectStatus, moment: Moment) -> None:
        if isinstance(status, BGPNodeStatus):
            status = msgspec.structs.replace(status, heartbeat=moment.utc)
        body = msgspec.to_builtins(status)
        await apply_status(self.client, FieldManager.SPEAKER, replace(target, uid=uid), body, force=True)

    async def _remove(self, target: Target) -> None:
        with suppress(NotFoundError):
            await self.client.send("DELETE", target.resource.path(target.key))
        self._there.discard(target)
        self._written.pop(target, None)


def counts_due_at(before: Written | None, status: ObjectStatus, now: float) -> float:
    """From when on counts may be written again, once this status has been written."""
    if before is None or state_of(status) != state_of(before.status):
        return now + random.uniform(*AFTER_STATE_S)  # noqa: S311 -- not for secrets
    if status == before.status or now < before.counts_due_at:  # a heartbeat, or words
        return before.counts_due_at
    return now + random.uniform(*COUNTS_S)  # noqa: S311 -- not for secrets
