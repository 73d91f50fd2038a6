"""Leases (coordination.k8s.io/v1) as they are read and written. Who leads, and until when, is decided elsewhere."""

from datetime import datetime

import msgspec

from herald.kube.api.client import ApiClient
from herald.kube.api.decode import decode_answer
from herald.kube.api.resource import LEASES
from herald.kube.objects import Metadata, ObjectKey, Value


class LeaseSpec(Value, frozen=True, omit_defaults=True):
    """Times are MicroTime: see micro_time. None, an unheld Lease, is left out."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class Lease(Value, frozen=True):
    metadata: Metadata
    spec: LeaseSpec = LeaseSpec()


def micro_time(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits, the only form that a MicroTime takes."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def get_lease(client: ApiClient, key: ObjectKey) -> Lease:
    """Raises NotFoundError when there is none yet; ApiError, UnreachableError."""
    return _lease(await client.get(LEASES.path(key)))


async def create_lease(client: ApiClient, key: ObjectKey, spec: LeaseSpec) -> Lease:
    """Raises ConflictError when somebody was quicker."""
    body = {"metadata": {"name": key.name}, "spec": msgspec.to_builtins(spec)}
    return _lease(await client.send("POST", LEASES.collection(key.namespace), body))


async def update_lease(client: ApiClient, lease: Lease, spec: LeaseSpec) -> Lease:
    """Replaces the spec of the Lease as it was read. Raises ConflictError when it has changed since."""
    metadata = lease.metadata
    body = {
        "metadata": {"name": metadata.name, "uid": metadata.uid, "resourceVersion": metadata.resource_version},
        "spec": msgspec.to_builtins(spec),
    }
    return _lease(await client.send("PUT", LEASES.path(metadata.key), body))


def _lease(body: bytes) -> Lease:
    return decode_answer(body, Lease)
