"""Writes statuses of Drains. The one for a directory is herald.kube.directory.DirectoryDrainWriter."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from bgp_config.status.drain import DrainStatus
from controller.drain.events import events_of
from herald.kube.api import ApiClient, Event, FieldManager, Target, apply_status
from herald.kube.objects import ConfigManifest


class DrainWriter(Protocol):
    """Each call ends in bounded time. Raises OSError, ApiError, UnreachableError."""

    async def write(self, drain: ConfigManifest, status: DrainStatus) -> None:
        """Puts the whole status there."""

    async def forget(self, name: str) -> None:
        """The Drain is gone: nothing of it is kept."""

    async def known(self) -> frozenset[str]:
        """The Drains of which something may be kept although they are gone."""


class ApiDrainWriter:
    """By server-side apply, for the object as it was decided on: a new one of that name never gets an old one's grants.

    `say` is called with the Events about what was written: since the object was as it was decided on, each is said once.
    """

    def __init__(self, client: ApiClient, say: Callable[[Event], None]) -> None:
        self._client = client
        self._say = say

    async def write(self, drain: ConfigManifest, status: DrainStatus) -> None:
        target = Target.of(drain.kind, drain.metadata, unchanged=True)
        await apply_status(self._client, FieldManager.CONTROLLER, target, msgspec.to_builtins(status))
        for event in events_of(drain, status, datetime.now(UTC)):
            self._say(event)

    async def forget(self, name: str) -> None:
        """With the object the server has forgotten it all."""

    async def known(self) -> frozenset[str]:
        return frozenset()
