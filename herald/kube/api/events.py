"""Events (events.k8s.io/v1): what people see in `kubectl describe`. When to say one is decided elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from herald.kube.api.apply import Target
from herald.kube.api.client import ApiClient
from herald.kube.api.lease import micro_time
from herald.kube.api.resource import EVENTS

_NOTE_MAX = 1024
"""Bytes: a longer note is refused."""
_NO_NAMESPACE = "default"
"""Where Events about objects without a namespace are kept."""


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`reason` and `action` are CamelCase words; `note` is for people."""

    regarding: Target
    type: EventType
    reason: str
    action: str
    note: str
    at: datetime


async def create_event(client: ApiClient, event: Event, controller: str, instance: str) -> None:
    """`instance` is the pod or host that says it. Raises ApiError, UnreachableError."""
    regarding = event.regarding
    namespace = regarding.key.namespace or _NO_NAMESPACE
    about: dict[str, Any] = {
        "apiVersion": regarding.resource.api_version,
        "kind": regarding.resource.kind,
        "name": regarding.key.name,
        "uid": regarding.uid,
    }
    if regarding.key.namespace:
        about["namespace"] = regarding.key.namespace
    body = {
        "metadata": {"generateName": f"{regarding.key.name[:200].rstrip('-.')}-", "namespace": namespace},
        "eventTime": micro_time(event.at),
        "type": event.type.value,
        "reason": event.reason,
        "action": event.action,
        "note": event.note.encode()[:_NOTE_MAX].decode(errors="ignore"),
        "regarding": about,
        "reportingController": controller,
        "reportingInstance": instance,
    }
    await client.send("POST", EVENTS.collection(namespace), body)
