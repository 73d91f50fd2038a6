"""Every benchmark runs, prints its tables with the machine and the versions above them, and misses no budget by far."""

import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("[!_]*.py"))

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_prints_a_table(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    head, *lines = done.stdout.splitlines()
    assert "cores, Linux" in head
    tables = [list(rows) for is_table, rows in groupby(lines, key=lambda line: line.startswith("|")) if is_table]
    assert tables, done.stdout
    cells = [line.strip("| ").split(" | ") for line in tables[0]]
    assert len(cells) > 2, done.stdout
    assert len({len(row) for row in cells}) == 1
    assert all(cell for row in cells for cell in row)
    print(done.stdout)  # noqa: T201 -- so that -s shows the tables
