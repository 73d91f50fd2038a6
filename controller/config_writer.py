"""Keeps the statuses of configuration objects, and the finalizer of AddressPools, as they should be. One task of the leader.

Services come first: an address is never assigned later because of this. Conditions and finalizers are written at once, how
much of a pool is in use every USE_S. By server-side apply, without force; what fails is tried again with the newest state.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.status.condition import Condition
from bgp_config.status.pool import AddressPoolStatus
from controller.config_state import FINALIZER, ObjectStatus, keeps, status_of
from controller.plan import Plan
from controller.turns import Turns
from herald.kube.api import (
    ApiClient,
    ApiError,
    ConflictError,
    FieldManager,
    InvalidError,
    NotFoundError,
    OwnedByAnotherError,
    Target,
    UnreachableError,
    apply,
    apply_status,
    decode_answer,
)
from herald.kube.objects import ConfigManifest
from herald.program.logs import fields

log = logging.getLogger(__name__)

SETTLE_S = 0.1
USE_S = 5.0
RETRY_S = 2.0
_GONE = (NotFoundError, ConflictError, InvalidError)
"""What a write to an object that is gone, or is another one of its name, can end in."""
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/addresspools.herald-lb.io"


@dataclass(frozen=True, slots=True)
class _Written:
    uid: str
    status: ObjectStatus
    at: float


class _Definition(msgspec.Struct):
    metadata: "_Deletable"


class _Deletable(msgspec.Struct, rename="camel"):
    deletion_timestamp: str | None = None


@dataclass(slots=True)
class ConfigWriter:
    """`may_write` tells whether the Lease is still held."""

    client: ApiClient
    plan: Plan
    may_write: Callable[[], bool]
    errors: int = 0
    _turns: Turns = field(default_factory=lambda: Turns(SETTLE_S))
    _written: dict[ConfigKey, _Written] = field(default_factory=dict)

    def wake(self) -> None:
        """The plan has settled anew."""
        self._turns.wake()

    async def run(self) -> NoReturn:
        while True:
            await self._turns.next()
            if self.plan.unsynced or not self.may_write():
                continue
            for key, manifest in list(self.plan.manifests.items()):
                try:
                    await self._bring(key, manifest)
                except (ApiError, UnreachableError) as error:
                    if isinstance(error, _GONE) and not isinstance(error, OwnedByAnotherError):
                        continue  # it will be gone for us too, in a moment
                    self.errors += 1
                    log.warning("status not written", extra=fields(object=key, why=error))
                    await asyncio.sleep(RETRY_S)

    async def _bring(self, key: ConfigKey, manifest: ConfigManifest) -> None:
        if key.kind is ConfigKind.DRAIN:
            return  # drain.drainer says it, together with the grants
        now = asyncio.get_running_loop().time()
        if key.kind is ConfigKind.ADDRESS_POOL:
            await self._finalize(key, manifest)
        status = status_of(self.plan, manifest, datetime.now(UTC))
        if status is None or not self._is_due(key, manifest, status, now):
            return
        target = Target.of(manifest.kind, manifest.metadata)
        await apply_status(self.client, FieldManager.CONTROLLER, target, msgspec.to_builtins(status))
        self._written[key] = _Written(manifest.metadata.uid, status, now)

    async def _finalize(self, key: ConfigKey, manifest: ConfigManifest) -> None:
        metadata = manifest.metadata
        wanted, there = keeps(self.plan, manifest), FINALIZER in metadata.finalizers
        if wanted and there and metadata.deletion_timestamp is not None:
            wanted = not await self._definition_is_going()
        if wanted is there or (wanted and metadata.deletion_timestamp is not None):
            return  # a finalizer cannot be added to what is being deleted
        own = {"metadata": {"finalizers": [FINALIZER]} if wanted else {}}
        await apply(self.client, FieldManager.CONTROLLER, Target.of(manifest.kind, metadata), own)
        log.info("pool is kept" if wanted else "pool is released", extra=fields(object=key))

    async def _definition_is_going(self) -> bool:
        """Whether the kind itself is being deleted: then its objects go, and what they meant stays in force."""
        try:
            body = await self.client.get(DEFINITION)
        except NotFoundError:
            return True
        return decode_answer(body, _Definition).metadata.deletion_timestamp is not None

    def _is_due(self, key: ConfigKey, manifest: ConfigManifest, status: ObjectStatus, now: float) -> bool:
        written = self._written.get(key)
        if written is None or written.uid != manifest.metadata.uid:
            return isinstance(status, AddressPoolStatus) or not _shown(manifest, status.conditions)
        if [_meaning(each) for each in status.conditions] != [_meaning(each) for each in written.status.conditions]:
            return True
        if not _shown(manifest, status.conditions) and now - written.at > USE_S:
            return True  # somebody has changed them
        uses = isinstance(status, AddressPoolStatus) and isinstance(written.status, AddressPoolStatus)
        changed = uses and _use(status) != _use(written.status)
        return changed and now - written.at > USE_S


def _shown(manifest: ConfigManifest, wanted: tuple[Condition, ...]) -> bool:
    """Whether the object, as last seen, says so."""
    shown = {
        each.type: (each.status, each.reason, each.message, each.observed_generation) for each in manifest.status.conditions
    }
    return all(shown.get(each.type) == _meaning(each)[1:] for each in wanted)


def _meaning(condition: Condition) -> tuple[str, str, str, str, int]:
    return condition.type, condition.status, condition.reason, condition.message, condition.observed_generation or 0


def _use(status: ObjectStatus) -> object:
    return (status.ipv4, status.ipv6) if isinstance(status, AddressPoolStatus) else None
