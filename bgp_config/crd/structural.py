"""Turns a JSON schema into a structural schema (KEP-1693). Pure.

Raises NotStructuralError for what an API server would refuse or silently drop, and for what has no bounds: the cost of CEL
rules is estimated from them, and an unbounded object could fill etcd. References are replaced by what they name; "or null"
is dropped, since a field is given or absent; a default becomes a sentence of the description.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_BOUNDS = {"array": ["maxItems"], "integer": ["minimum", "maximum"], "boolean": [], "object": []}
_KEPT = [
    "pattern",
    "format",
    "enum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "maxProperties",
]
_READ = {"$defs", "$ref", "type", "title", "description", "default", "anyOf", "items", "properties", "required"}
_MAP = {"additionalProperties", "patternProperties", "propertyNames"}
_EXACT = 2**53 - 1
_EXTENSION = "x-kubernetes-"


class NotStructuralError(Exception):
    """Names the place and what cannot be said there."""


def structural(schema: Schema) -> dict[str, Any]:
    """`schema` is that of a whole model, with its `$defs`."""
    return _Emitter(schema.get("$defs", {})).emit(schema, "")


class _Emitter:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def emit(self, schema: Schema, path: str) -> dict[str, Any]:
        schema = self._resolve(schema, path)
        kind = schema.get("type", "string" if "enum" in schema else None)
        emitted: dict[str, Any] = {"description": text} if (text := _description(schema)) else {}
        emitted |= {"type": kind} | {key: schema[key] for key in _KEPT if key in schema}
        emitted |= {key: value for key, value in schema.items() if key.startswith(_EXTENSION)}
        _refuse_unknown(schema, path)
        _refuse_unbounded(emitted, path)
        match kind:
            case "array":
                emitted["items"] = self.emit(schema["items"], f"{path}[]")
            case "object" if "properties" in schema:
                emitted |= {"required": required} if (required := list(schema.get("required", []))) else {}
                emitted["properties"] = {name: self.emit(s, f"{path}.{name}") for name, s in schema["properties"].items()}
            case "object":
                emitted["additionalProperties"] = self.emit(_values(schema, path), f"{path}[]")
        return emitted

    def _resolve(self, schema: Schema, path: str) -> Schema:
        """What is said beside a reference counts more than what it names."""
        if "anyOf" in schema:
            given = [each for each in schema["anyOf"] if each != {"type": "null"}]
            if len(given) != 1:
                raise NotStructuralError(f"{path}: alternatives of several types")
            beside = {key: value for key, value in schema.items() if key != "anyOf"}
            return self._resolve({**given[0], **beside}, path)
        if "$ref" in schema:
            named = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self._resolve({**named, **beside}, path)
        return schema


def _description(schema: Schema) -> str:
    text = " ".join(schema.get("description", "").split())
    default = schema.get("default")
    return text if default in (None, (), "") else f"{text} Default: {json.dumps(default)}.".lstrip()


def _values(schema: Schema, path: str) -> Schema:
    """The schema of a map's values. What is said about keys is the parser's: a structural schema cannot."""
    patterns = list(schema.get("patternProperties", {}).values())
    values = patterns[0] if len(patterns) == 1 else schema.get("additionalProperties")
    if not isinstance(values, Mapping) or "maxProperties" not in schema:
        raise NotStructuralError(f"{path}: an object with neither fields nor bounded values of one type")
    return values


def _refuse_unbounded(emitted: Schema, path: str) -> None:
    kind = emitted["type"]
    if kind == "string":
        needed = [] if {"enum", "format"} & emitted.keys() else ["maxLength"]
    elif kind in _BOUNDS:
        needed = _BOUNDS[kind]
    else:
        raise NotStructuralError(f"{path}: no type that an API server takes: {kind}")
    for bound in needed:
        if bound not in emitted:
            raise NotStructuralError(f"{path}: {bound} is missing")
    if emitted.get("maximum", 0) > _EXACT:
        raise NotStructuralError(f"{path}: an API server reads maximum as floating point, which is exact up to {_EXACT}")


def _refuse_unknown(schema: Schema, path: str) -> None:
    unknown = {key for key in schema if not key.startswith(_EXTENSION)} - _READ - _MAP - set(_KEPT)
    if unknown:
        raise NotStructuralError(f"{path}: {', '.join(sorted(unknown))} cannot be said")
    if schema.get("format", "date-time") != "date-time":
        raise NotStructuralError(f"{path}: format {schema['format']} means nothing, or something else, to an API server")
