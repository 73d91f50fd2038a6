"""What becomes of a JSON schema, and what is refused when it is emitted rather than by an API server."""

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from bgp_config.crd.structural import NotStructuralError, structural
from bgp_config.spec.cel import Cel, IsSet

Name = Annotated[str, Field(max_length=5)]


def emitted(annotation: Any, default: Any = ...) -> Any:
    """The schema of a field of this type."""
    return structural(create_model("Model", field=(annotation, default)).model_json_schema())["properties"]["field"]


def test_a_scalar_keeps_its_bounds_and_loses_its_title() -> None:
    assert emitted(Annotated[str, Field(min_length=1, max_length=5, pattern="^a")]) == {
        "type": "string",
        "minLength": 1,
        "maxLength": 5,
        "pattern": "^a",
    }
    assert emitted(Annotated[int, Field(ge=1, le=9)]) == {"type": "integer", "minimum": 1, "maximum": 9}
    assert emitted(bool) == {"type": "boolean"}


def test_an_enum_is_text() -> None:
    assert emitted(Literal["a", "b"]) == {"type": "string", "enum": ["a", "b"]}


def test_absent_is_said_by_required_and_never_by_null() -> None:
    class Model(BaseModel):
        given: Name
        optional: Name | None = None

    schema = structural(Model.model_json_schema())
    assert schema["required"] == ["given"]
    assert schema["properties"]["optional"] == {"type": "string", "maxLength": 5}


def test_a_default_is_told_and_not_set() -> None:
    assert emitted(Annotated[int, Field(ge=1, le=9)], Field(3, description="How many.")) == {
        "description": "How many. Default: 3.",
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
    }


def test_a_reference_is_replaced_by_what_it_names_under_the_description_of_the_field() -> None:
    class Inner(BaseModel):
        """Of the model."""

        name: Name

    said = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 5}}}
    assert emitted(Inner) == {"description": "Of the model.", **said}
    assert emitted(Inner | None, Field(None, description="Of the field.")) == {"description": "Of the field.", **said}
    listed = emitted(Annotated[list[Inner], Field(max_length=2)])
    assert listed == {"type": "array", "maxItems": 2, "items": {"description": "Of the model.", **said}}


def test_a_map_says_nothing_about_its_keys() -> None:
    key = Annotated[str, Field(pattern="^a", max_length=9)]
    assert emitted(Annotated[dict[key, Name], Field(max_length=3)]) == {
        "type": "object",
        "maxProperties": 3,
        "additionalProperties": {"type": "string", "maxLength": 5},
    }


def test_rules_and_sets_are_kept() -> None:
    rule = Cel("self != ''", "must not be empty")
    assert emitted(Annotated[list[Annotated[Name, rule]], Field(max_length=2), IsSet()]) == {
        "type": "array",
        "maxItems": 2,
        "x-kubernetes-list-type": "set",
        "items": {
            "type": "string",
            "maxLength": 5,
            "x-kubernetes-validations": [{"rule": "self != ''", "message": "must not be empty"}],
        },
    }


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        (str, "field: maxLength is missing"),
        (list[Name], "field: maxItems is missing"),
        (Annotated[list[str], Field(max_length=2)], r"field\[\]: maxLength is missing"),
        (Annotated[int, Field(ge=1)], "field: maximum is missing"),
        (Annotated[int, Field(gt=1, le=3)], "field: exclusiveMinimum cannot be said"),
        (Annotated[int, Field(ge=0, le=2**63 - 1)], "field: an API server reads maximum as floating point"),
        (dict[str, Name], "field: an object with neither"),
        (dict[str, Any], "field: an object with neither"),
        (Name | int, "field: alternatives of several types"),
        (float, "field: no type that an API server takes: number"),
        (Any, "field: no type that an API server takes: None"),
        (IPv4Network, "field: format ipv4network means nothing"),
        (Annotated[set[Name], Field(max_length=2)], "field: uniqueItems cannot be said"),
        (tuple[Name, Name], "field: prefixItems cannot be said"),
    ],
)
def test_what_an_api_server_refuses_or_drops_is_an_error_with_its_place(annotation: Any, why: str) -> None:
    with pytest.raises(NotStructuralError, match=why):
        emitted(annotation)
