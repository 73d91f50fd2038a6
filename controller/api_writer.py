"""Writes the status of Services to the API server: the ingress, and the condition Assigned.

- By server-side apply, never by force: what another controller has written is its own (OwnedElsewhereError).
- Each write says all that Herald says of a Service: what it did not name would be removed.
- Each write of an ingress holds only for the object as it was decided on, by uid and resourceVersion. So of two writes at
  most one happens, whatever hangs in between and comes late.
- Nothing is sent once the Lease is lost; what is on its way then is refused by the server (deploy/policies).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from bgp_config.names import IPAddress
from bgp_config.status.base import clip
from controller.reasons import PendingReason
from controller.word import Word, condition
from herald.kube.api import (
    ApiClient,
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
    OwnedByAnotherError,
    UnreachableError,
    apply_service_status,
)
from herald.kube.objects import Condition, Service
from herald.kube.ports import OwnedElsewhereError, WriteRefusedError


class LeaseLostError(OSError):
    """Nothing was sent."""


class ApiStatusWriter:
    """A StatusWriter. `may_write` tells whether the Lease is still held. Each call ends within the client's timeout."""

    def __init__(self, client: ApiClient, may_write: Callable[[], bool]) -> None:
        self._client = client
        self._may_write = may_write

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> str:
        return await self._write(service, vips, None)

    async def write_pending(self, service: Service, reason: str, message: str) -> str:
        """Beside the ingress as it is, unless that is another's."""
        shown = () if reason == PendingReason.OWNED_BY_ANOTHER else service.vips
        return await self._write(service, shown, Word(reason, clip(message)))

    async def forget(self, service: Service) -> None:
        """With the object the server has forgotten it all. One that is of another type now still has its condition."""
        with suppress(WriteRefusedError):
            await self._apply(service, (), ())

    async def _write(self, service: Service, vips: Sequence[IPAddress], word: Word | None) -> str:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return await self._apply(
            service, vips, [condition(service, has_vips=bool(vips), word=word, now=now)], unchanged=True
        )

    async def _apply(
        self, service: Service, vips: Sequence[IPAddress], conditions: Sequence[Condition], *, unchanged: bool = False
    ) -> str:
        if not self._may_write():
            raise LeaseLostError("the Lease is lost")
        try:
            written = await apply_service_status(self._client, service, vips, conditions, unchanged=unchanged)
        except OwnedByAnotherError as error:
            raise OwnedElsewhereError(error.manager) from error
        except (ConflictError, InvalidError, NotFoundError) as error:
            raise WriteRefusedError(str(error)) from error
        except (ApiError, UnreachableError) as error:
            raise OSError(str(error)) from error
        return written.resource_version
