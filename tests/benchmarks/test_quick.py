"""Every benchmark runs, and prints its table with the machine and the versions above it."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("[!_]*.py"))

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_prints_a_table(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert "cores, Linux" in head
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    assert len(rows) > 2, done.stdout
    assert len({len(row) for row in rows}) == 1
    assert all(cell for row in rows for cell in row)
    print(done.stdout)  # noqa: T201 -- so that -s shows the tables
