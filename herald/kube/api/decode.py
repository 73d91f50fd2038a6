"""The API server's JSON as typed values: pages of a list, events of a watch, and the objects in them. Pure.

An object is first read for its head (its name and version), which always succeeds, then for what Herald needs of it,
which may fail: then it can still be named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import msgspec

from herald.kube.api.errors import MalformedError
from herald.kube.nulls import without_nulls
from herald.kube.objects import (
    SERVICE_NAME_LABEL,
    ConfigManifest,
    ConfigStatus,
    EndpointSlice,
    Kind,
    KubeObject,
    Metadata,
    Node,
    ObjectKey,
    Secret,
    Service,
    ServiceCIDR,
    Value,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that holds the whole object again. Not kept."""


class UndecodableError(Exception):
    """An object of a known name in which something is not as its kind says. Its text says what and where."""


class EventType(StrEnum):
    """WatchEvent.type of meta/v1."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


class _ListMetadata(Value, frozen=True):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(Value, frozen=True):
    """One page of a list. The items are undecoded, so that one that is wrong does not spoil the others."""

    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class WatchEvent(Value, frozen=True):
    """`object` is an object of the watched kind; with ERROR a Status; with BOOKMARK only a resourceVersion."""

    type: EventType
    object: msgspec.Raw


class _HeadMetadata(Value, frozen=True):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, Any] | None = None


class _Headed(Value, frozen=True):
    metadata: _HeadMetadata


@dataclass(frozen=True, slots=True)
class Head:
    """What every object has. `service` is the Service that an EndpointSlice belongs to."""

    key: ObjectKey
    resource_version: str
    service: ObjectKey | None


class _Config(Value, frozen=True):
    metadata: Metadata
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    status: ConfigStatus = ConfigStatus()


_Decoded: TypeAlias = Service | EndpointSlice | Node | Secret | ServiceCIDR | _Config
_TYPES: Mapping[Kind, type[_Decoded]] = {
    Kind.SERVICE: Service,
    Kind.ENDPOINT_SLICE: EndpointSlice,
    Kind.NODE: Node,
    Kind.SECRET: Secret,
    Kind.SERVICE_CIDR: ServiceCIDR,
}
_NOT_DECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T", bound=msgspec.Struct)


def decode_answer(body: bytes | msgspec.Raw, type_: type[_T]) -> _T:
    """What the server says, whatever it is. Raises MalformedError; so do decode_page, decode_event and decode_head."""
    try:
        return msgspec.json.decode(body, type=type_)
    except _NOT_DECODABLE as error:
        raise MalformedError(f"no {type_.__name__.strip('_')} of a Kubernetes API: {error}") from error


def decode_page(body: bytes) -> Page:
    return decode_answer(body, Page)


def decode_event(line: bytes) -> WatchEvent:
    return decode_answer(line, WatchEvent)


def decode_head(raw: msgspec.Raw) -> Head:
    metadata = decode_answer(raw, _Headed).metadata
    owner = (metadata.labels or {}).get(SERVICE_NAME_LABEL)
    return Head(
        key=ObjectKey(metadata.namespace, metadata.name),
        resource_version=metadata.resource_version,
        service=ObjectKey(metadata.namespace, owner) if owner else None,
    )


def decode_object(kind: Kind, raw: msgspec.Raw) -> KubeObject:
    """Raises UndecodableError."""
    type_ = _TYPES.get(kind, _Config)
    try:
        decoded = msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError:
        decoded = _despite_nulls(type_, raw)
    decoded.metadata.annotations.pop(LAST_APPLIED, None)
    if isinstance(decoded, _Config):
        return ConfigManifest(kind=kind, metadata=decoded.metadata, spec=decoded.spec, status=decoded.status)
    return decoded


def _despite_nulls(type_: type[_Decoded], raw: msgspec.Raw) -> _Decoded:
    """Where Go writes null for an empty list. Rare, and costs more."""
    try:
        return msgspec.convert(without_nulls(msgspec.json.decode(raw)), type=type_)
    except msgspec.ValidationError as error:
        raise UndecodableError(str(error)) from None
