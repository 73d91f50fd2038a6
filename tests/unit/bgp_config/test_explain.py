"""Nothing that pydantic can find in our models is left in pydantic's words."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from bgp_config.explain import _MESSAGES, _PATTERNS, explain
from bgp_config.kind import ConfigKind
from bgp_config.parse import SPECS
from bgp_config.spec.base import Seen

SHAPES = {"string": "string", "integer": "int", "boolean": "bool", "array": "list", "object": "dict"}


def constraints(schema: Any) -> Iterator[tuple[str, Any]]:
    """All keywords of a JSON schema, at any depth."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key, value
            yield from constraints(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from constraints(value)


@pytest.mark.parametrize("kind", ConfigKind)
def test_every_pattern_has_words(kind: ConfigKind) -> None:
    patterns = {value for key, value in constraints(SPECS[kind].model_json_schema()) if key == "pattern"}
    assert all(pattern in _PATTERNS for pattern in patterns)


@pytest.mark.parametrize("kind", ConfigKind)
def test_every_shape_has_a_message(kind: ConfigKind) -> None:
    types = {
        value for key, value in constraints(SPECS[kind].model_json_schema()) if key == "type" and isinstance(value, str)
    }
    assert types <= SHAPES.keys() | {"null"}
    assert {f"{SHAPES[name]}_type" for name in types & SHAPES.keys()} <= _MESSAGES.keys()


@pytest.mark.parametrize("kind", ConfigKind)
def test_every_field_has_a_description_which_is_its_hint(kind: ConfigKind) -> None:
    schema = SPECS[kind].model_json_schema()
    for model in [schema, *schema.get("$defs", {}).values()]:
        for name, field in model.get("properties", {}).items():
            assert field.get("description", "").endswith("."), name


@pytest.mark.parametrize("kind", ConfigKind)
def test_every_string_list_map_and_number_is_bounded(kind: ConfigKind) -> None:
    def check(schema: Any) -> None:
        match schema.get("type") if isinstance(schema, dict) else None:
            case "string":
                assert {"maxLength", "enum"} & schema.keys(), schema
            case "integer":
                assert {"minimum", "maximum"} <= schema.keys(), schema
            case "array":
                assert "maxItems" in schema, schema
            case "object" if "additionalProperties" in schema and "properties" not in schema:
                assert schema["additionalProperties"] is False or "maxProperties" in schema, schema
        for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []:
            check(value)

    check(SPECS[kind].model_json_schema())


def test_what_has_no_message_of_ours_still_names_the_value() -> None:
    class Foreign(BaseModel):
        number: float

    with pytest.raises(ValidationError) as caught:
        Foreign.model_validate({"number": "{x}"})
    problem = explain(caught.value.errors()[0], Foreign)
    assert problem.path == "spec.number"
    assert problem.message.startswith('cannot be "{x}"')


def test_a_key_that_is_not_text_is_a_problem_not_a_crash() -> None:
    adapter = TypeAdapter(SPECS[ConfigKind.COMMUNITY])
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python({"value": "1:2", 7: "x"}, context=Seen())
    problem = explain(caught.value.errors()[0], SPECS[ConfigKind.COMMUNITY])
    assert "7" in problem.path
