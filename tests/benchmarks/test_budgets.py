"""What is promised of cost, as the benchmarks measure it. CPU time: it hardly depends on what else the machine does."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = [pytest.mark.lab, pytest.mark.timing]


@pytest.mark.parametrize("protocol", ["TCP", "HTTP"])
def test_a_thousand_health_checks_a_second_cost_less_than_a_quarter_of_a_core(protocol: str) -> None:
    command = [sys.executable, str(BENCHMARKS / "health_checks.py"), "--protocols", protocol, "--checks", "1000"]
    done = subprocess.run([*command, "--seconds", "3"], capture_output=True, text=True, timeout=60, check=True)
    _, rate, share, *_ = done.stdout.splitlines()[-1].strip("| ").split(" | ")
    assert float(rate) > 900
    assert float(share.rstrip("%")) < 25
