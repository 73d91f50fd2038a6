"""docs/failures.md names for each fault a bound, a figure and a test that there is, and forgets no test of a fault."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TESTS = CHECKOUT / "tests"
PAGE = (CHECKOUT / "docs" / "failures.md").read_text()
ROW = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)
ENTRY = re.compile(r"^(\d+)\. `(?:lab|kube)/[\w/]+\.py::test_\w+`$", re.MULTILINE)
"""Of the list below a table: the test of the row with this number."""
NAMED = re.compile(r"`((?:lab|kube)/[\w/]+\.py)::(test_\w+)`")
COLUMNS = 4
"""Beside the number: the fault, what happens, bound, measured."""

WHOLE = ["lab/speaker/test_restart.py", "lab/speaker/test_fail_static.py", "lab/speaker/test_two_racks.py"]
"""Whose every claim is one of the page."""
BESIDE = {"test_a_restarted_speaker_does_not_wait_again_for_a_data_path_that_has_its_vips"}


def areas() -> Iterator[str]:
    """The chapters that have a table."""
    return (chapter for chapter in PAGE.split("\n## ") if ROW.search(chapter))


def names_in(file: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", (TESTS / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED.findall(PAGE))))
def test_a_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert test in names_in(file)


@pytest.mark.parametrize("area", [pytest.param(area, id=area.splitlines()[0]) for area in areas()])
def test_every_fault_has_a_bound_a_figure_and_a_test(area: str) -> None:
    rows = ROW.findall(area)
    numbers = [str(number) for number in range(1, len(rows) + 1)]
    assert [number for number, _ in rows] == numbers
    assert ENTRY.findall(area) == numbers
    for _, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        assert len(cells) == COLUMNS, row
        assert not {"", "-"} & set(cells), row


def test_all_faults_are_in_a_table() -> None:
    assert sum(len(ROW.findall(area)) for area in areas()) > 40


@pytest.mark.parametrize("file", WHOLE)
def test_no_test_of_a_fault_is_forgotten(file: str) -> None:
    named = {test for place, test in NAMED.findall(PAGE) if place == file}
    assert names_in(file) - named <= BESIDE
