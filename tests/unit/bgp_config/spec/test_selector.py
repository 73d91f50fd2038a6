"""Label selectors: Kubernetes' meaning, one canonical form, and which are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import Advertisement
from bgp_config.kind import ConfigKind
from bgp_config.meaning import UnresolvedAdvertisement
from bgp_config.parse import Accepted, Refused, parse
from bgp_config.problem import path_of
from bgp_config.selector import LabelSelector, selected

MATCH = "matchLabels"
EXPRESSIONS = "matchExpressions"


def selectors(*written: object) -> tuple[LabelSelector, ...] | None:
    parsed = parse(ConfigKind.BGP_ADVERTISEMENT, "a", {"nodeSelectors": list(written)})
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, UnresolvedAdvertisement)
    return parsed.meaning.advertisement.node_selectors


def problems(*written: object) -> dict[str, str]:
    parsed = parse(ConfigKind.BGP_ADVERTISEMENT, "a", {"nodeSelectors": list(written)})
    assert isinstance(parsed, Refused), parsed
    return {p.path: f"{p.message}. {p.hint}" for p in parsed.problems}


def expression(operator: str, *values: str) -> dict[str, object]:
    return {EXPRESSIONS: [{"key": "rack", "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "matching", "other"),
    [
        ({MATCH: {"rack": "a"}}, {"rack": "a", "x": "y"}, {"rack": "b"}),
        (expression("In", "a", "b"), {"rack": "b"}, {}),
        (expression("NotIn", "a"), {}, {"rack": "a"}),
        (expression("Exists"), {"rack": ""}, {}),
        (expression("DoesNotExist"), {}, {"rack": ""}),
        ({MATCH: {"zone": "1"}, **expression("Exists")}, {"zone": "1", "rack": "a"}, {"rack": "a"}),
    ],
)
def test_a_selector_means_what_it_means_in_kubernetes(
    selector: object, matching: dict[str, str], other: dict[str, str]
) -> None:
    assert selected(selectors(selector), matching)
    assert not selected(selectors(selector), other)


def test_several_selectors_are_alternatives() -> None:
    either = selectors({MATCH: {"rack": "a"}}, {MATCH: {"rack": "b"}})
    assert [selected(either, {"rack": rack}) for rack in "abc"] == [True, True, False]


def test_an_empty_selector_matches_all_an_empty_list_is_refused() -> None:
    assert selected(selectors({}), {})
    assert "must not be empty" in problems()["spec.nodeSelectors"]


def test_absent_selects_all() -> None:
    parsed = parse(ConfigKind.BGP_ADVERTISEMENT, "a", {})
    assert isinstance(parsed, Accepted)
    assert isinstance(parsed.meaning, UnresolvedAdvertisement)
    advertisement: Advertisement = parsed.meaning.advertisement
    assert advertisement.node_selectors is None
    assert advertisement.service_selectors is None


@given(st.permutations(["a", "b", "c"]), st.permutations([{MATCH: {"x": "1", "y": "2"}}, {MATCH: {"z": "3"}}, {}]))
def test_the_order_in_which_selectors_are_written_means_nothing(values: list[str], alternatives: list[object]) -> None:
    one = selectors(expression("In", *values), *alternatives)
    assert one == selectors({}, {MATCH: {"y": "2", "x": "1"}}, {MATCH: {"z": "3"}}, expression("In", "c", "b", "a"))


def test_a_label_and_an_expression_that_say_the_same_are_equal() -> None:
    assert selectors({MATCH: {"rack": "a"}}) == selectors(expression("In", "a"), expression("In", "a"))


@pytest.mark.parametrize("operator", ["In", "NotIn"])
def test_in_and_not_in_need_values(operator: str) -> None:
    assert f"{operator} has no values" in problems(expression(operator))["spec.nodeSelectors[0].matchExpressions[0]"]


@pytest.mark.parametrize("operator", ["Exists", "DoesNotExist"])
def test_exists_and_does_not_exist_take_none(operator: str) -> None:
    found = problems(expression(operator, "a"))
    assert f"{operator} takes no values" in found["spec.nodeSelectors[0].matchExpressions[0]"]


def test_an_unknown_operator_is_named_with_the_known_ones() -> None:
    found = problems(expression("in", "a"))["spec.nodeSelectors[0].matchExpressions[0].operator"]
    assert 'must be In, NotIn, Exists or DoesNotExist, not "in"' in found


@pytest.mark.parametrize("key", ["a b", "-a", "Example.com/a", "a/b/c", "a" * 64, ""])
def test_a_label_key_has_kubernetes_form(key: str) -> None:
    (path,) = problems({MATCH: {key: "x"}})
    assert path == path_of("spec", "nodeSelectors", 0, "matchLabels", key)


@pytest.mark.parametrize("value", ["a b", "-a", "a" * 64])
def test_a_label_value_has_kubernetes_form(value: str) -> None:
    assert list(problems({MATCH: {"example.com/rack": value}})) == ['spec.nodeSelectors[0].matchLabels["example.com/rack"]']


def test_an_empty_label_value_is_a_value() -> None:
    assert selected(selectors({MATCH: {"rack": ""}}), {"rack": ""})
