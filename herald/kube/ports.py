"""What Herald writes back, as ports: each has an adapter for the directory and one for the API server."""

from collections.abc import Sequence
from typing import Protocol

from bgp_config.names import IPAddress
from herald.kube.objects import Service


class StatusWriter(Protocol):
    """Writes a Service's VIPs to status.loadBalancer.ingress. Returns only when the write is durable and acknowledged.

    What it returns is the resourceVersion of the object as written; empty where there are no versions. Raises
    WriteRefusedError when the object changed or vanished meanwhile: list again, decide again. OSError: it is not known
    whether the write happened.
    """

    async def write_ingress(self, service: Service, vips: Sequence[IPAddress]) -> str:
        """Raises OwnedElsewhereError when another controller has assigned an ingress."""

    async def write_pending(self, service: Service, reason: str, message: str) -> str:
        """Says why a Service has no VIP, or not the one it asks for. Losing this word is harmless."""

    async def forget(self, service: Service) -> None:
        """The Service is gone, or none of ours any more: nothing about it is kept."""


class WriteRefusedError(Exception):
    """The write did not happen, for a reason that a fresh look at the object will show."""


class OwnedElsewhereError(Exception):
    """The write did not happen, since this field manager has written the same field. It is never forced."""

    def __init__(self, manager: str) -> None:
        super().__init__(f"the field is owned by {manager}")
        self.manager = manager
