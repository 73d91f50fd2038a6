"""Events on Services and Drains: what became of each, on change, for `kubectl describe`. Only the leader says any.

They are the first to go: beyond a budget, while many wait, or when the server does not take one, they are dropped and
counted. Nothing ever waits for them, and the conditions say the same for good.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn, assert_never

from controller.event_budget import Budget
from controller.record import Forget, SayPending, SetIngress, Write
from herald.kube.api import ApiClient, ApiError, Event, EventType, FieldManager, Target, UnreachableError, create_event
from herald.kube.objects import Kind, Service

log = logging.getLogger(__name__)

MAX_WAITING = 100


@dataclass(slots=True)
class Events:
    """`said` and `dropped` count them. `instance` is this replica's name."""

    client: ApiClient
    instance: str
    said: int = 0
    dropped: int = 0
    _budget: Budget = field(default_factory=Budget)
    _waiting: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))

    def written(self, write: Write) -> None:
        """What was decided about the Service holds from now on."""
        if event := _event(write):
            self.say(event)

    def say(self, event: Event) -> None:
        """As soon as it may be."""
        if self._waiting.full() or not self._budget.take(asyncio.get_running_loop().time()):
            self.dropped += 1
        else:
            self._waiting.put_nowait(event)

    async def run(self) -> NoReturn:
        while True:
            event = await self._waiting.get()
            try:
                await create_event(self.client, event, FieldManager.CONTROLLER, self.instance)
            except (ApiError, UnreachableError) as error:
                self.dropped += 1
                log.debug("an Event was not taken: %s", error)
            else:
                self.said += 1


def _event(write: Write) -> Event | None:
    match write:
        case SetIngress(service, vips) if vips:
            return _about(service, EventType.NORMAL, "Assigned", f"VIPs: {', '.join(str(vip) for vip in vips)}")
        case SetIngress(service, _):
            return _about(service, EventType.NORMAL, "Released", "the Service has no VIP any more")
        case SayPending(service, unmet):
            reason = unmet.reason[0].upper() + unmet.reason[1:]
            return _about(service, EventType.WARNING, reason, unmet.message)
        case Forget():
            return None
        case _:
            assert_never(write)


def _about(service: Service, type_: EventType, reason: str, note: str) -> Event:
    target = Target.of(Kind.SERVICE, service.metadata)
    return Event(regarding=target, type=type_, reason=reason, action="AssignAddress", note=note, at=datetime.now(UTC))
