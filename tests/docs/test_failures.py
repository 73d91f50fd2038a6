"""docs/failures.md names for each fault a test that there is, and forgets no test of a fault."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TESTS = CHECKOUT / "tests"
PAGE = (CHECKOUT / "docs" / "failures.md").read_text()
COLUMNS = 5
NAMED = re.compile(r"`((?:lab|kube)/[\w/]+\.py)::(test_\w+)`")

WHOLE = ["lab/speaker/test_restart.py", "lab/speaker/test_fail_static.py", "lab/speaker/test_two_racks.py"]
"""Whose every claim is one of the page."""
BESIDE = {"test_a_restarted_speaker_does_not_wait_again_for_a_data_path_that_has_its_vips"}


def names_in(file: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", (TESTS / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED.findall(PAGE))))
def test_a_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert test in names_in(file)


def test_every_fault_has_a_bound_and_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| fault", "| what |"))]
    assert len(rows) > 30
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == COLUMNS, row
        assert all(cells)
        assert NAMED.fullmatch(cells[-1]), row


@pytest.mark.parametrize("file", WHOLE)
def test_no_test_of_a_fault_is_forgotten(file: str) -> None:
    named = {test for place, test in NAMED.findall(PAGE) if place == file}
    assert names_in(file) - named <= BESIDE
