"""Cluster objects from a Kubernetes API server, and what is written there. See herald.kube for the words.

async with ApiClient(InCluster()) as client:                    # or KubeconfigFile(path=...)
body = await client.get("/version")                         # raw bytes; ApiError and its kinds, UnreachableError
await apply_status(client, FieldManager.SPEAKER, Target(resource=BGP_NODES, key=..., uid=...), {...})
"""

from herald.kube.api.access import Access, InCluster, KubeconfigFile
from herald.kube.api.apply import FieldManager, Target, apply, apply_service_status, apply_status
from herald.kube.api.client import ApiClient
from herald.kube.api.decode import decode_answer
from herald.kube.api.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    MalformedError,
    NotFoundError,
    OwnedByAnotherError,
    UnauthorizedError,
    UnreachableError,
)
from herald.kube.api.events import Event, EventType, create_event
from herald.kube.api.lease import Lease, LeaseSpec, create_lease, get_lease, update_lease
from herald.kube.api.problems import ObjectProblem
from herald.kube.api.resource import BGP_NODES, BGP_SESSIONS, EVENTS, LEASES, RESOURCES, Resource
from herald.kube.api.source import ApiSource

__all__ = [
    "BGP_NODES",
    "BGP_SESSIONS",
    "EVENTS",
    "LEASES",
    "RESOURCES",
    "Access",
    "ApiClient",
    "ApiError",
    "ApiSource",
    "ConflictError",
    "Event",
    "EventType",
    "FieldManager",
    "ForbiddenError",
    "GoneError",
    "InCluster",
    "InvalidError",
    "KubeconfigFile",
    "Lease",
    "LeaseSpec",
    "MalformedError",
    "NotFoundError",
    "ObjectProblem",
    "OwnedByAnotherError",
    "Resource",
    "Target",
    "UnauthorizedError",
    "UnreachableError",
    "apply",
    "apply_service_status",
    "apply_status",
    "create_event",
    "create_lease",
    "decode_answer",
    "get_lease",
    "update_lease",
]
