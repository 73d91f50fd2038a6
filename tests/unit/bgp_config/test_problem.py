"""Paths are written as operators write them in a manifest's terms."""

import pytest

from bgp_config.problem import Problem, path_of


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("spec", "blocks", 1, "cidr"), "spec.blocks[1].cidr"),
        (("spec", "matchLabels", "example.com/rack"), 'spec.matchLabels["example.com/rack"]'),
        (("spec", "matchLabels", ""), 'spec.matchLabels[""]'),
    ],
)
def test_a_path_joins_fields_indices_and_keys(parts: tuple[str | int, ...], path: str) -> None:
    assert path_of(*parts) == path


def test_a_problem_is_one_line_for_people() -> None:
    assert str(Problem("spec.x", "is wrong", "Mend it.")) == "spec.x: is wrong. Mend it."
