"""What Herald writes back, as ports: each has an adapter for the directory and one for the API server."""

from collections.abc import Sequence
from typing import Protocol

from bgp_config.names import IPAddress
from herald.kube.objects import ObjectKey, Service


class StatusWriter(Protocol):
    """Writes a Service's VIPs to status.loadBalancer.ingress. Returns only when the write is durable and acknowledged."""

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> None:
        """Raises WriteRefusedError when the object changed or vanished meanwhile: list again, decide again."""

    async def write_pending(self, service: Service, reason: str, message: str) -> None:
        """Says why a Service has no VIP. Losing this word is harmless."""

    async def forget(self, service: ObjectKey) -> None:
        """The Service is gone: nothing about it is kept."""


class WriteRefusedError(Exception):
    """The write did not happen, for a reason that a fresh look at the object will show."""
