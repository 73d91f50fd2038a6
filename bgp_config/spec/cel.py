"""What a rule of the parser is to an API server: an expression in CEL, beside the validator that checks the same.

Only annotates the JSON schema; the parser never evaluates it. An API server refuses a schema whose rules could cost too
much (their cost is estimated from the bounds), which is why some rules are the parser's alone: see `parser_only`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

KEYWORD = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Cel:
    """Metadata of an annotated type: `rule` must hold for `self`, else `message` is said."""

    rule: str
    message: str

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return with_rules(handler(core_schema), [self])


class IsSet:
    """Metadata of a list: no item twice."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "x-kubernetes-list-type": "set"}


def with_rules(schema: dict[str, Any], rules: Iterable[Cel]) -> dict[str, Any]:
    """The schema with these rules behind those that it has."""
    said = [{"rule": each.rule, "message": each.message} for each in rules]
    return {**schema, KEYWORD: [*schema.get(KEYWORD, []), *said]} if said else schema
