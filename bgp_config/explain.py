"""pydantic's findings in an operator's words: each names the field by path and the value, and says what would be right.

Never shows what stands in or under a field whose name starts with `password`, nor the value of an unknown field.
"""

import difflib
import json
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bgp_config.problem import Problem, path_of
from bgp_config.spec.base import DNS_LABEL, DNS_SUBDOMAIN, RULE
from bgp_config.spec.drain import TIME
from bgp_config.spec.health_check import HOST, PATH, STATUSES
from bgp_config.spec.selector import LABEL_KEY, LABEL_VALUE

UNKNOWN_FIELD = "extra_forbidden"

_PATTERNS = {
    LABEL_KEY: "a label key: [prefix/]name of letters, digits, '-', '_' and '.'",
    LABEL_VALUE: "a label value: letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
    DNS_LABEL: "a namespace's name: lower-case letters, digits and '-', starting and ending with a letter or digit",
    TIME: "a time in UTC, as in 2027-01-31T18:00:00Z",
    HOST: "a host name or an IPv4 address",
    PATH: "a path: a slash, then characters of ASCII without blanks",
    STATUSES: "a status code as in 204, or two of them as in 200-299",
    DNS_SUBDOMAIN: "an object's name: lower-case letters, digits, '-' and '.', starting and ending with a letter or digit",
}
_MESSAGES = {
    "missing": "is required",
    "string_type": "must be text, not {shown}",
    "int_type": "must be a whole number, not {shown}",
    "bool_type": "must be true or false, not {shown}",
    "list_type": "must be a list, not {shown}",
    "dict_type": "must be an object, not {shown}",
    "model_type": "must be an object, not {shown}",
    "greater_than_equal": "must be at least {ge}, not {shown}",
    "less_than_equal": "must be at most {le}, not {shown}",
    "too_short": "must not be empty",
    "too_long": "has more than {max_length} items",
    "string_too_short": "must not be empty text",
    "string_too_long": "has more than {max_length} characters: {shown}",
    "string_pattern_mismatch": "must be {pattern}; not {shown}",
    "enum": "must be {expected}, not {shown}",
    "literal_error": "must be {expected}, not {shown}",
}
"""By pydantic's type of error, with what its context names."""

_LONGEST_SHOWN = 60


def explain(error: ErrorDetails, model: type[BaseModel]) -> Problem:
    """One finding about a spec of this model."""
    location = [part for part in error["loc"] if part != "[key]"]
    path = path_of("spec", *location)
    if error["type"] == UNKNOWN_FIELD:
        return Problem(path, "there is no such field", nearest(str(location[-1]), _fields(_owner(model, location))))
    if error["type"] == RULE:
        return Problem(path, error["ctx"]["message"], error["ctx"]["hint"], error["ctx"]["parser_only"])
    return Problem(path, _message(error), _hint(error, _description(model, location)))


def _message(error: ErrorDetails) -> str:
    template = _MESSAGES.get(error["type"], "cannot be {shown} ({message})")
    context = dict(error.get("ctx", {}), shown=_shown(error), message=error["msg"])
    if "pattern" in context:
        context["pattern"] = _PATTERNS[context["pattern"]]
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "")
    return template.format(**context)


def _hint(error: ErrorDetails, description: str) -> str:
    if error["type"] == "string_type" and isinstance(error["input"], int | float):
        return f"Put it in quotes. {description}"
    if error["type"] == "int_type" and isinstance(error["input"], str):
        return f"Write it without quotes. {description}"
    return description


def _shown(error: ErrorDetails) -> str:
    """The value, short and as JSON."""
    if any(str(part).lower().startswith("password") for part in error["loc"]):
        return "the given value (not shown)"
    match error["input"]:
        case None:
            return "null"
        case bool() | int() | float() | str() as value:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case value:
            return f"a {type(value).__name__}"


def nearest(unknown: str, known: list[str]) -> str:
    """A hint for a field that does not exist."""
    near = difflib.get_close_matches(unknown.lower(), [name.lower() for name in known], n=1)
    if near:
        return next(f"Did you mean {name}?" for name in known if name.lower() == near[0])
    return f"Known here: {', '.join(known)}."


def _fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _owner(model: type[BaseModel], location: list[str | int]) -> type[BaseModel]:
    """The model whose field the last part of a location names."""
    for part in location[:-1]:
        model = next(_models_in(_field(model, part)), model)
    return model


def _description(model: type[BaseModel], location: list[str | int]) -> str:
    """That of the innermost field on the way: for an item of a list or map, the list's or map's own."""
    description = ""
    for part in location:
        field = _field(model, part)
        description = field.description or description if field else description
        model = next(_models_in(field), model)
    return description


def _field(model: type[BaseModel], part: str | int) -> FieldInfo | None:
    return next((f for name, f in model.model_fields.items() if part == (f.alias or name)), None)


def _models_in(field: FieldInfo | None) -> Iterator[type[BaseModel]]:
    pending: list[object] = [field.annotation] if field else []
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        pending.extend(get_args(annotation))
