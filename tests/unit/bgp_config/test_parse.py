"""Parsing one object: all problems at once, unknown fields, names, and values that are not what a field takes."""

from collections.abc import Mapping
from datetime import date

import pytest

from bgp_config.kind import ConfigKind
from bgp_config.parse import Accepted, Refused, UnknownFields, parse

PEER = {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0"}
VALID: Mapping[ConfigKind, Mapping[str, object]] = {
    ConfigKind.ADDRESS_POOL: {"blocks": [{"cidr": "192.0.2.0/24"}]},
    ConfigKind.BGP_PEER: PEER,
    ConfigKind.BGP_ADVERTISEMENT: {},
    ConfigKind.COMMUNITY: {"value": "64512:100"},
    ConfigKind.BFD_PROFILE: {},
    ConfigKind.HEALTH_CHECK: {"protocol": "TCP"},
    ConfigKind.DRAIN: {"nodes": ["node1"]},
}


def said(spec: Mapping[str, object], kind: ConfigKind = ConfigKind.BGP_PEER) -> list[str]:
    parsed = parse(kind, "x", spec)
    assert isinstance(parsed, Refused), parsed
    return [str(problem) for problem in parsed.problems]


def warned(spec: Mapping[str, object], kind: ConfigKind = ConfigKind.BGP_PEER) -> list[str]:
    return [str(warning) for warning in parse(kind, "x", spec).warnings]


@pytest.mark.parametrize("kind", ConfigKind)
def test_a_valid_object_of_each_kind_is_accepted(kind: ConfigKind) -> None:
    assert isinstance(parse(kind, "x", VALID[kind]), Accepted)


def test_problems_of_all_levels_are_found_at_once() -> None:
    spec = {
        "blocks": [{"cidr": "10.0.0.1/24"}, 7, {"cidr": "10.1.0.0/24"}, {"cidr": "10.1.0.0/25"}, {"start": "10.2.0.0"}],
        "autoAssign": "yes",
    }
    parsed = parse(ConfigKind.ADDRESS_POOL, "No", spec)
    assert isinstance(parsed, Refused)
    assert [problem.path for problem in parsed.problems] == [
        "metadata.name",
        "spec.blocks[0].cidr",
        "spec.blocks[1]",
        "spec.blocks[3]",
        "spec.blocks[4]",
        "spec.autoAssign",
    ]
    assert all(problem.message and problem.hint.endswith((".", "?")) for problem in parsed.problems)


@pytest.mark.parametrize("kind", ConfigKind)
@pytest.mark.parametrize("name", ["", "Tor1", "tor_1", "-tor1", "tor1.", "a" * 254])
def test_a_name_that_no_api_server_would_take_is_refused(kind: ConfigKind, name: str) -> None:
    parsed = parse(kind, name, VALID[kind])
    assert isinstance(parsed, Refused)
    assert [problem.path for problem in parsed.problems] == ["metadata.name"]


def test_an_unknown_field_is_a_warning_that_names_the_nearest() -> None:
    parsed = parse(ConfigKind.BGP_PEER, "x", {**PEER, "holdTime": 9})
    assert isinstance(parsed, Accepted)
    assert warned({**PEER, "holdTime": 9}) == ["spec.holdTime: there is no such field. Did you mean holdTimeSeconds?"]


def test_the_nearest_field_is_found_whatever_the_case() -> None:
    assert "Did you mean peerASN?" in warned({**PEER, "peerAsn": 1})[0]


def test_an_unknown_field_that_is_near_to_none_is_answered_with_all() -> None:
    assert "Known here: value." in warned({"value": "1:2", "colour": "red"}, ConfigKind.COMMUNITY)[0]


def test_an_unknown_field_is_found_at_any_depth() -> None:
    assert warned({**PEER, "gracefulRestart": {"restartTime": 9}}) == [
        "spec.gracefulRestart.restartTime: there is no such field. Did you mean restartTimeSeconds?"
    ]
    assert "Did you mean cidr?" in warned({"blocks": [{"cidr": "10.0.0.0/24", "cdr": 1}]}, ConfigKind.ADDRESS_POOL)[0]
    selector = {"matchExpressions": [{"key": "a", "operator": "Exists", "vaules": []}]}
    assert "Did you mean values?" in warned({**PEER, "nodeSelectors": [selector]})[0]


def test_an_unknown_field_is_an_error_where_a_person_reads_it() -> None:
    parsed = parse(ConfigKind.BGP_PEER, "x", {**PEER, "holdTime": 9}, UnknownFields.ERROR)
    assert isinstance(parsed, Refused)
    assert [problem.path for problem in parsed.problems] == ["spec.holdTime"]
    assert not parsed.warnings


def test_an_unknown_field_does_not_hide_what_else_is_wrong_with_its_object() -> None:
    parsed = parse(ConfigKind.ADDRESS_POOL, "x", {"blocks": [{"cdir": "10.0.0.0/24"}]})
    assert isinstance(parsed, Refused)
    assert [str(p) for p in parsed.problems] == ["spec.blocks[0]: is empty. Give either cidr, or both start and stop."]
    assert [str(w) for w in parsed.warnings] == ["spec.blocks[0].cdir: there is no such field. Did you mean cidr?"]


def test_warnings_stand_beside_problems() -> None:
    parsed = parse(ConfigKind.BGP_PEER, "x", {**PEER, "holdTime": 9, "peerPort": 0})
    assert isinstance(parsed, Refused)
    assert [problem.path for problem in parsed.problems] == ["spec.peerPort"]
    assert [warning.path for warning in parsed.warnings] == ["spec.holdTime"]


@pytest.mark.parametrize("field", ["peerPort", "nodeSelectors", "sourceAddress", "peerAddress"])
def test_a_field_without_a_value_is_not_the_same_as_an_absent_one(field: str) -> None:
    assert said({**PEER, field: None}) == [f"spec.{field}: has no value. Leave the field out or give it a value."]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"peerPort": "179"}, 'spec.peerPort: must be a whole number, not "179". Write it without quotes.'),
        ({"peerPort": 179.5}, "spec.peerPort: must be a whole number, not 179.5."),
        ({"peerPort": True}, "spec.peerPort: must be a whole number, not true."),
        ({"peerPort": [179]}, "spec.peerPort: must be a whole number, not a list."),
        ({"peerPort": {}}, "spec.peerPort: must be a whole number, not an object."),
        ({"peerPort": date(2026, 1, 1)}, "spec.peerPort: must be a whole number, not a date."),
        ({"peerAddress": 10.1}, "spec.peerAddress: must be text, not 10.1. Put it in quotes."),
        ({"nodeSelectors": {}}, "spec.nodeSelectors: must be a list, not an object."),
        ({"nodeSelectors": [None]}, "spec.nodeSelectors[0]: must be an object, not null."),
        ({"nodeSelectors": [{"matchLabels": []}]}, "spec.nodeSelectors[0].matchLabels: must be an object, not a list."),
        ({"peerAddress": "1" * 70}, f'spec.peerAddress: has more than 45 characters: "{"1" * 59}...'),
    ],
)
def test_a_value_of_the_wrong_shape_is_named_with_what_would_be_right(spec: Mapping[str, object], expected: str) -> None:
    (problem,) = said({**PEER, **spec})
    assert problem.startswith(expected)


def test_the_hint_says_what_the_field_takes() -> None:
    assert said({**PEER, "peerPort": 0}) == ["spec.peerPort: must be at least 1, not 0. The router's TCP port, 1 to 65535."]
