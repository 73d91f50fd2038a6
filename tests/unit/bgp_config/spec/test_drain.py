"""Drain: which nodes, for how long, until when."""

from datetime import UTC, datetime

import pytest

from bgp_config.config import Drain
from bgp_config.kind import ConfigKind
from bgp_config.names import NodeName
from bgp_config.parse import Accepted, Refused, parse


def meaning(**spec: object) -> Drain:
    parsed = parse(ConfigKind.DRAIN, "d", spec)
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, Drain)
    return parsed.meaning


def problems(**spec: object) -> list[str]:
    parsed = parse(ConfigKind.DRAIN, "d", spec)
    assert isinstance(parsed, Refused), parsed
    return [str(problem) for problem in parsed.problems]


def test_it_lasts_until_it_is_deleted_and_waits_30_seconds_unless_it_says_otherwise() -> None:
    drain = meaning(nodes=["node1"])
    assert (drain.drain_s, drain.until, drain.force) == (30, None, False)
    assert meaning(nodes=["node1"], drainSeconds=0).drain_s == 0


def test_until_is_a_moment() -> None:
    assert meaning(nodes=["a"], until="2027-01-31T18:00:00Z").until == datetime(2027, 1, 31, 18, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "until", ["2027-02-29T00:00:00Z", "2027-01-31", "2027-01-31T18:00:00+01:00", "2027-01-01T24:00:00Z", "soon"]
)
def test_what_is_no_moment_in_utc_is_refused_with_an_example(until: str) -> None:
    (problem,) = problems(nodes=["a"], until=until)
    assert problem.startswith("spec.until")
    assert "2027-01-31T18:00:00Z" in problem


@pytest.mark.parametrize("spec", [{}, {"nodes": ["a"], "nodeSelectors": [{"matchLabels": {"rack": "a"}}]}])
def test_nodes_are_given_by_name_or_by_label(spec: dict[str, object]) -> None:
    assert "Give either nodes or nodeSelectors" in problems(**spec)[0]


def test_it_concerns_the_nodes_that_it_names_or_selects_and_no_other() -> None:
    by_name, by_label = meaning(nodes=["a", "b"]), meaning(nodeSelectors=[{"matchLabels": {"rack": "r1"}}])
    assert by_name.concerns(NodeName("b"), {})
    assert not by_name.concerns(NodeName("c"), {"rack": "r1"})
    assert by_label.concerns(NodeName("c"), {"rack": "r1"})
    assert not by_label.concerns(NodeName("a"), {"rack": "r2"})
