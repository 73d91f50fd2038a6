"""What kubectl shows of the kinds, and what their schemas leave to nobody."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bgp_config.crd.definition import Definition
from bgp_config.crd.kinds import BGP_NODE, BGP_SESSION, DEFINITIONS
from bgp_config.kind import ConfigKind


def version(definition: Definition) -> Any:
    (only,) = definition.manifest()["spec"]["versions"]
    return only


def schema(definition: Definition) -> Any:
    return version(definition)["schema"]["openAPIV3Schema"]


def parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """All schemas within a schema."""
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from parts(each)


def test_every_kind_of_configuration_has_a_definition() -> None:
    assert {d.kind for d in DEFINITIONS if d.spec} == {kind.value for kind in ConfigKind}
    assert {d.kind for d in DEFINITIONS if not d.spec} == {"BGPNode", "BGPSession"}


def test_short_names_are_distinct_and_all_are_in_the_category() -> None:
    short = [name for d in DEFINITIONS for name in d.manifest()["spec"]["names"]["shortNames"]]
    assert short == ["hpool", "hpeer", "hadv", "hcomm", "hbfd", "hhc", "hdrain", "hnode", "hbs"]
    assert all(d.manifest()["spec"]["names"]["categories"] == ["herald"] for d in DEFINITIONS)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.kind)
def test_conditions_merge_by_type(definition: Definition) -> None:
    conditions = schema(definition)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.kind)
def test_no_default_is_stored_in_objects(definition: Definition) -> None:
    assert not [part for part in parts(schema(definition)) if "default" in part]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.kind)
def test_every_field_of_a_spec_or_status_is_described(definition: Definition) -> None:
    for part in parts(schema(definition)["properties"].get("spec", {})):
        if "properties" in part and isinstance(part["properties"], Mapping):
            assert all("description" in field for field in part["properties"].values()), part


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.kind)
def test_every_column_and_selectable_field_is_in_the_schema(definition: Definition) -> None:
    for path in [*(column.path for column in definition.columns), *definition.selectable]:
        at = schema(definition)
        for name in re.sub(r"\[.*\]", "[]", path).removeprefix(".").split("."):
            if at["type"] == "object" and "properties" not in at:
                break  # metadata, of which the schema says no more
            at = at["properties"][name.removesuffix("[]")]
            at = at["items"] if name.endswith("[]") else at


def test_sessions_read_well() -> None:
    shown = [column.name for column in BGP_SESSION.columns if not column.wide]
    assert shown == ["Node", "Peer", "ASN", "State", "Since", "Prefixes", "Last Error"]


def test_kinds_that_are_status_only_need_no_spec() -> None:
    for definition in (BGP_NODE, BGP_SESSION):
        assert "required" not in schema(definition)
        assert "spec" not in schema(definition)["properties"]
