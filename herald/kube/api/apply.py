"""Writes by server-side apply (KEP-555): we own the fields that we name, and no others.

What a manager owned and does not name again in its next apply to the same object (or subresource) is removed: so each
apply says all that its manager has to say there. Nothing of another manager is taken unless `force` says so; without it
the server answers 409, which is OwnedByAnotherError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from bgp_config.names import IPAddress
from herald.kube.api.client import APPLY, ApiClient
from herald.kube.api.decode import decode_answer
from herald.kube.api.resource import RESOURCES, Resource
from herald.kube.objects import Condition, Kind, Metadata, ObjectKey, Service


class FieldManager(StrEnum):
    """Who Herald's programs are in managedFields."""

    CONTROLLER = "herald-controller"
    SPEAKER = "herald-speaker"
    COMMAND = "herald"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The object to write to. `uid` is empty only where the object shall be made if it is not there.

    `resource_version` where the decision depends on that state: another one is a ConflictError. The server does not
    compare the uid when the status of a custom object is written: such a write may meet a new object of that name.
    """

    resource: Resource
    key: ObjectKey
    uid: str = ""
    resource_version: str = ""

    @classmethod
    def of(cls, kind: Kind, metadata: Metadata, *, unchanged: bool = False) -> "Target":
        """The object as it was read; `unchanged`: only if nobody has written to it since."""
        version = metadata.resource_version if unchanged else ""
        return cls(resource=RESOURCES[kind], key=metadata.key, uid=metadata.uid, resource_version=version)

    @property
    def identity(self) -> dict[str, Any]:
        """The part of a body that says which object is meant."""
        metadata = {
            "name": self.key.name,
            "namespace": self.key.namespace,
            "uid": self.uid,
            "resourceVersion": self.resource_version,
        }
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {name: value for name, value in metadata.items() if value},
        }


class _Written(msgspec.Struct):
    metadata: Metadata


async def apply(
    client: ApiClient,
    manager: FieldManager,
    target: Target,
    fields: Mapping[str, Any],
    *,
    subresource: str = "",
    force: bool = False,
) -> Metadata:
    """`fields` is merged into the object's body (its `metadata` too). The metadata as written.

    Raises ApiError, UnreachableError. An object that is not there any more, or that is another one of its name, is
    NotFoundError, InvalidError or ConflictError, by its kind.
    """
    body = target.identity
    body["metadata"] |= fields.get("metadata", {})
    body |= {name: value for name, value in fields.items() if name != "metadata"}
    query = [("fieldManager", manager.value), ("force", "true" if force else "false")]
    path = target.resource.path(target.key, subresource)
    answer = await client.send("PATCH", path, body, query=query, content_type=APPLY)
    return decode_answer(answer, _Written).metadata


async def apply_status(
    client: ApiClient, manager: FieldManager, target: Target, status: Mapping[str, Any], *, force: bool = False
) -> Metadata:
    return await apply(client, manager, target, {"status": status}, subresource="status", force=force)


async def apply_service_status(
    client: ApiClient,
    service: Service,
    vips: Sequence[IPAddress],
    conditions: Sequence[Condition] = (),
    *,
    unchanged: bool = False,
) -> Metadata:
    """All that the controller says of a Service, its VIPs and its conditions. Never by force.

    OwnedByAnotherError: another controller has assigned an ingress. `vips` empty claims none, and gives up ours.
    """
    status: dict[str, Any] = {"conditions": [written(condition) for condition in conditions]}
    if vips:
        status["loadBalancer"] = {"ingress": [{"ip": str(vip), "ipMode": "VIP"} for vip in vips]}
    target = Target.of(Kind.SERVICE, service.metadata, unchanged=unchanged)
    return await apply_status(client, FieldManager.CONTROLLER, target, status)


def written(condition: Condition) -> dict[str, Any]:
    """As JSON's values, without an observedGeneration that means nothing."""
    values: dict[str, Any] = msgspec.to_builtins(condition)
    if not condition.observed_generation:
        del values["observedGeneration"]
    return values
