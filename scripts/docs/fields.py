"""Every field of every kind, from the schemas that API servers are given."""

from collections.abc import Iterator, Mapping
from typing import Any

from bgp_config.crd.definition import GROUP, VERSION, Definition
from bgp_config.crd.kinds import DEFINITIONS
from bgp_config.parser_only import ParserOnly
from bgp_config.status.base import MAX_NUMBER
from scripts.docs import markdown
from scripts.docs.markdown import code, table

_RULES = "x-kubernetes-validations"
_HEAD = f"""\
All kinds are cluster-scoped and of `{GROUP}/{VERSION}`. The same rules hold for `kubectl apply`, for `herald lint` and for
files below `--manifests`. A field that you do not need is left out, never null. `[]` behind a name stands for each item of
a list, `{{}}` for each value of a map. A field in **bold** is required where its object is there.

Services are not among them: [Concepts](../concepts.md#what-a-service-asks-for) says what Herald reads of a Service."""
_PARSER_ONLY = """\
An API server cannot check everything. An object that breaks one of these rules is stored, and then refused by both programs:
its last good form stays in force. `herald lint` finds all of them before."""


def page() -> str:
    chapters = (block for definition in DEFINITIONS for block in _chapter(definition))
    last = ["## Rules that only Herald checks", _PARSER_ONLY, "\n".join(f"- {rule.value}" for rule in ParserOnly)]
    return markdown.page("Fields", _HEAD, *chapters, *last)


def _chapter(definition: Definition) -> Iterator[str]:
    schema = definition.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    yield f"## {definition.kind}"
    short = " or ".join(code(name) for name in (definition.plural, *definition.short_names))
    yield f"{definition.description} For `kubectl get`: {short}."
    if "spec" in schema["properties"]:
        yield f"### {definition.kind} spec"
        yield _table(schema["properties"]["spec"])
        if rules := [*_rules(schema["properties"]["spec"], ""), *_own_rules(schema, "")]:
            yield "Also checked:"
            yield "\n".join(f"- {rule}" for rule in dict.fromkeys(rules))
    yield f"### {definition.kind} status"
    yield _table(schema["properties"]["status"])


def _table(schema: Mapping[str, Any]) -> str:
    return table(["field", "type", "meaning"], _rows(schema, ""))


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[list[str]]:
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        here = f"{path}{name}"
        shown = f"**{code(here)}**" if name in required else code(here)
        yield [shown, _type(each), each.get("description", "")]
        yield from _below(each, here)


def _below(schema: Mapping[str, Any], path: str) -> Iterator[list[str]]:
    """The fields of an object, or of the objects in a list."""
    if schema["type"] == "array":
        yield from _below(schema["items"], f"{path}[]")
    elif "properties" in schema:
        yield from _rows(schema, f"{path}.")


def _type(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"type": "array", "items": items, "maxItems": most}:
            text = f"list of {_type(items)}, {_between(schema.get('minItems', 0), most)}"
        case {"type": "object", "additionalProperties": values, "maxProperties": most}:
            text = f"map of {_type(values)}, at most {most}"
        case {"type": "integer", "minimum": least, "maximum": most}:
            text = f"integer, {least} or more" if most == MAX_NUMBER else f"integer, {least} to {most}"
        case {"enum": words}:
            text = " or ".join(map(code, words))
        case {"format": "date-time"}:
            text = "time"
        case _:
            text = str(schema["type"])
    return text


def _between(least: int, most: int) -> str:
    return f"{least} to {most}" if least else f"at most {most}"


def _rules(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _own_rules(schema, path)
    for name, each in schema.get("properties", {}).items():
        yield from _rules(each, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[]")


def _own_rules(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for rule in schema.get(_RULES, ()):
        yield f"{code(path)}: {rule['message']}" if path else rule["message"]
