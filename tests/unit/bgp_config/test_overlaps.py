"""Advertisements that disagree about the same routes are told so, each about the other."""

from dataclasses import replace
from typing import Any

import pytest

from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import PeerName, PoolName
from bgp_config.overlaps import disagreements
from bgp_config.selector import LabelSelector, Operator, Requirement
from bgp_config.store import ConfigStore
from tests.builders import advertisement

A, B = replace(advertisement("a"), med=5, local_pref=200), replace(advertisement("b"), med=7)
RACK = (LabelSelector((Requirement("rack", Operator.IN, frozenset({"a"})),)),)
OTHER_RACK = (LabelSelector((Requirement("rack", Operator.IN, frozenset({"b"})),)),)


def test_each_names_the_other_and_what_is_used() -> None:
    found = disagreements([B, A, advertisement("c")])
    assert {name: [(p.path, p.message) for p in problems] for name, problems in found.items()} == {
        "a": [("spec.med", "is 5, and BGPAdvertisement b, which selects the same, says 7: 5 is used where both apply")],
        "b": [("spec.med", "is 7, and BGPAdvertisement a, which selects the same, says 5: 5 is used where both apply")],
    }


def test_of_local_prefs_the_highest_is_used() -> None:
    (problem,) = disagreements([A, replace(advertisement("b"), local_pref=100)])[A.name]
    assert "200 is used" in problem.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"pools": frozenset({PoolName("x")})}, {"pools": frozenset({PoolName("y")})}),
        ({"peers": frozenset({PeerName("x")})}, {"peers": frozenset({PeerName("y")})}),
        ({"node_selectors": RACK}, {"node_selectors": OTHER_RACK}),
        ({"service_selectors": RACK}, {"service_selectors": OTHER_RACK}),
        ({"aggregation_length_v4": 24, "aggregation_length_v6": 64}, {}),
        ({"med": None}, {}),
        ({"med": 7}, {}),
    ],
)
def test_those_that_need_not_meet_or_agree_are_left_alone(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert disagreements([replace(A, **one), replace(B, **other)]) == {}


@pytest.mark.parametrize(
    "one", [{"pools": frozenset({PoolName("x")})}, {"node_selectors": RACK}, {"aggregation_length_v4": 24}]
)
def test_one_that_selects_a_part_of_what_the_other_selects_meets_it(one: dict[str, Any]) -> None:
    assert set(disagreements([replace(A, **one), B])) == {"a", "b"}


def test_the_verdict_of_an_advertisement_warns_and_accepts_it() -> None:
    store = ConfigStore()
    for name, med in (("a", 5), ("b", 7)):
        store.upsert(ConfigKind.BGP_ADVERTISEMENT, name, "", 1, {"med": med})
    verdict = store.verdicts[ConfigKey(ConfigKind.BGP_ADVERTISEMENT, "a")]
    assert verdict.accepted
    assert [warning.path for warning in verdict.warnings] == ["spec.med"]
    store.remove(ConfigKind.BGP_ADVERTISEMENT, "b")
    assert store.verdicts[ConfigKey(ConfigKind.BGP_ADVERTISEMENT, "a")].warnings == ()
