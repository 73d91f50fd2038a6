"""Decodes one object of a manifest into its type, filling in what only an API server would know. Pure.

Names are checked as the API server does, since they become file names and labels further on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

import msgspec

from bgp_config.problem import path_of
from herald.kube.nulls import without_nulls
from herald.kube.objects import (
    API_VERSIONS,
    ConfigManifest,
    EndpointSlice,
    Kind,
    KubeObject,
    Node,
    ObjectKey,
    Secret,
    Service,
    ServiceCIDR,
)

ObjectId: TypeAlias = tuple[Kind, ObjectKey]

DEFAULT_NAMESPACE = "default"
CREATED = "1970-01-01T00:00:00Z"
"""creationTimestamp of an object whose file names none: the same after every restart."""

_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_KINDS = {kind.value: kind for kind in Kind}
_NAMESPACED = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.SECRET})
_TYPES: Mapping[Kind, type[Service | EndpointSlice | Node | Secret | ServiceCIDR]] = {
    Kind.SERVICE: Service,
    Kind.ENDPOINT_SLICE: EndpointSlice,
    Kind.NODE: Node,
    Kind.SECRET: Secret,
    Kind.SERVICE_CIDR: ServiceCIDR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why something is not taken. `identity` is None where even that cannot be read.

    `path` is where in the object, if that can be said. `line` counts from 0 in its document, and from 1 in the file once
    that is put together.
    """

    message: str
    hint: str
    path: str = ""
    identity: ObjectId | None = None
    line: int | None = None


class NotDecodedError(Exception):
    def __init__(self, message: str, hint: str, identity: ObjectId | None = None, path: str = "") -> None:
        super().__init__(message)
        self.flaw = Flaw(message=message, hint=hint, identity=identity, path=path)


def named(identity: ObjectId) -> str:
    """For people: Service default/web."""
    return f"{identity[0]} {identity[1]}"


def known_kind(api_version: str, kind: str) -> Kind | None:
    """None for what Herald does not know, also for another group's kind of the same name."""
    found = _KINDS.get(kind)
    return found if found and API_VERSIONS[found] == api_version else None


def identify(kind: Kind, raw: Mapping[str, Any]) -> ObjectId:
    """Raises NotDecodedError when the object has no proper name."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        raise NotDecodedError(f"a {kind} without metadata", "give it metadata.name", path="metadata")
    namespace = _name(kind, "namespace", metadata.get("namespace") or DEFAULT_NAMESPACE) if kind in _NAMESPACED else ""
    return kind, ObjectKey(namespace, _name(kind, "name", metadata.get("name")))


def _name(kind: Kind, field: str, text: object) -> str:
    if isinstance(text, str) and _NAME.fullmatch(text):
        return text
    hint = "a name is text (in quotes if it looks like a number) of a-z, 0-9, - and ."
    message = f"metadata.{field} of a {kind} is {text!r}, which is no name"
    raise NotDecodedError(message, hint, path=f"metadata.{field}")


def decode(identity: ObjectId, raw: Mapping[str, Any]) -> KubeObject:
    """Raises NotDecodedError with the path of what is wrong."""
    kind, key = identity
    metadata = {key: value for key, value in raw["metadata"].items() if value is not None}
    _check_labels(identity, metadata)
    filled = {
        "uid": str(uuid5(NAMESPACE_URL, f"{API_VERSIONS[kind]}/{kind}/{key}")),
        "creationTimestamp": CREATED,
        **metadata,
        "namespace": key.namespace,
    }
    try:
        if kind.is_config:
            _check_spec(identity, raw)
            return msgspec.convert({**raw, "metadata": filled}, ConfigManifest)
        return msgspec.convert({**without_nulls(raw), "metadata": filled}, _TYPES[kind])
    except (msgspec.ValidationError, RecursionError) as error:
        raise NotDecodedError(f"{named(identity)}: {error}", _hint(str(error)), identity) from None


def _check_spec(identity: ObjectId, raw: Mapping[str, Any]) -> None:
    """As an API server does: to some kinds a spec without fields means everything, which must have been meant."""
    spec = raw.get("spec")
    if not isinstance(spec, dict):
        written = "is no object" if spec is not None else "is empty" if "spec" in raw else "is missing"
        hint = "write its fields below spec, or spec: {} if none are meant"
        raise NotDecodedError(f"{named(identity)}: spec {written}", hint, identity, path="spec")


def _check_labels(identity: ObjectId, metadata: Mapping[str, Any]) -> None:
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        for name, value in values.items() if isinstance(values, dict) else ():
            if not isinstance(name, str) or not isinstance(value, str):
                written = str(value).lower() if isinstance(value, bool) else value
                raise NotDecodedError(
                    f"{named(identity)}: metadata.{field}: the value of {name} is {_type(value)}, not text",
                    f'put it in quotes: {name}: "{written}"' if isinstance(value, int | float) else "write text in quotes",
                    identity,
                    path=path_of("metadata", field, str(name)),
                )


def _type(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case _:
            return "a list or map"


def _hint(error: str) -> str:
    if "Expected `str`" in error:
        return "put the value in quotes"
    return "the last good form stays in force; see the field's documentation in the Kubernetes API"
