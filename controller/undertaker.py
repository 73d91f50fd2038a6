"""Says Unknown in the BGPNode and the BGPSessions of a speaker that is dead (`silence`). One task of the leader.

By force: the fields are the speaker's. One that is back takes them again.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from bgp_config.status.condition import Condition, ConditionStatus, ConditionType
from bgp_config.status.session import State
from controller.silence import Sign, Silence
from herald.kube.api import (
    BGP_NODES,
    BGP_SESSIONS,
    ApiClient,
    ApiError,
    FieldManager,
    NotFoundError,
    Target,
    UnreachableError,
    apply_status,
    decode_answer,
)
from herald.kube.api.pages import list_pages
from herald.kube.objects import Metadata, ObjectKey, Value
from herald.program.logs import fields

log = logging.getLogger(__name__)

LOOK_S = 8.0
"""With it a speaker that dies is Unknown within a minute, also if it said a moment before that it lives."""
MESSAGE = "the node's speaker is not heard of"


class _Heard(Value, frozen=True):
    heartbeat: str = ""
    state: str = ""


class _Object(Value, frozen=True):
    metadata: Metadata
    status: _Heard = _Heard()


@dataclass(slots=True)
class Undertaker:
    """`may_write` tells whether the Lease is still held."""

    client: ApiClient
    may_write: Callable[[], bool]
    _silence: Silence = field(default_factory=Silence)

    async def run(self) -> NoReturn:
        clock = asyncio.get_running_loop().time
        while True:
            try:
                nodes = [_sign(each) for each in await self._list(BGP_NODES.collection())]
                self._silence.saw(nodes, clock())
                for sign in list(self._silence.dead(clock())):
                    if self.may_write():
                        await self._bury(sign)
                        self._silence.declared(sign)
            except (ApiError, UnreachableError) as error:
                log.warning("speakers are not looked at", extra=fields(why=error))
            await asyncio.sleep(LOOK_S)

    async def _bury(self, sign: Sign) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        ready = Condition(
            type=ConditionType.READY,
            status=ConditionStatus.UNKNOWN,
            last_transition_time=now,
            reason="SpeakerSilent",
            message=MESSAGE,
        )
        node = Target(resource=BGP_NODES, key=ObjectKey("", sign.name), uid=sign.uid)
        await self._say(node, {"conditions": [ready]})
        for session in await self._list(BGP_SESSIONS.collection(), [("fieldSelector", f"status.node={sign.name}")]):
            if session.status.state != State.UNKNOWN:
                target = Target(resource=BGP_SESSIONS, key=session.metadata.key, uid=session.metadata.uid)
                await self._say(target, {"state": State.UNKNOWN, "since": now})
        log.warning("a speaker is silent", extra=fields(node=sign.name, heartbeat=sign.heartbeat))

    async def _say(self, target: Target, status: dict[str, object]) -> None:
        with suppress(NotFoundError):
            await apply_status(self.client, FieldManager.CONTROLLER, target, msgspec.to_builtins(status), force=True)

    async def _list(self, path: str, query: list[tuple[str, str]] | None = None) -> list[_Object]:
        pages = list_pages(self.client, path, query or [])
        return [decode_answer(raw, _Object) async for page in pages for _, raw in page.items]


def _sign(node: _Object) -> Sign:
    return Sign(name=node.metadata.name, uid=node.metadata.uid, heartbeat=node.status.heartbeat)
