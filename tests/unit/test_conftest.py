"""The rules of tests/conftest.py, shown on small test files of their own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "tests/conftest.py"):
        (tmp_path / Path(name).name).write_text((CHECKOUT / name).read_text())
    return tmp_path


def pytest_command(*arguments: str) -> list[str]:
    return [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-v", ".", *arguments]


def outcome(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text("import pytest\n" + source)
    return subprocess.run(pytest_command(*arguments), cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.skip\ndef test_a(): pass",
        "def test_a(): pytest.skip('not here')",
        "pytest.importorskip('no_such_module')\ndef test_a(): pass",
    ],
)
def test_a_skip_in_whatever_form_fails_the_run(folder: Path, source: str) -> None:
    result = outcome(folder, source)
    assert result.returncode != 0
    assert "counts as a failure" in result.stdout


def test_an_expected_failure_is_no_skip(folder: Path) -> None:
    assert outcome(folder, "@pytest.mark.xfail\ndef test_a(): assert False").returncode == 0


def test_timing_runs_last_and_soak_only_when_asked_for(folder: Path) -> None:
    source = """
@pytest.mark.soak
def test_long(): pass
@pytest.mark.timing
def test_quick(): pass
def test_plain(): pass
"""
    normal = outcome(folder, source).stdout
    assert normal.index("test_plain PASSED") < normal.index("test_quick PASSED")
    assert "test_long" not in normal
    asked = outcome(folder, source, "-m", "soak").stdout
    assert "test_long PASSED" in asked
    assert "1 passed, 2 deselected" in asked


def test_a_run_that_is_told_to_end_still_takes_its_fixtures_down(folder: Path) -> None:
    (folder / "test_sample.py").write_text("""
import pathlib, time, pytest
@pytest.fixture
def lab():
    pathlib.Path("up").touch()
    yield
    pathlib.Path("up").unlink()
def test_long(lab): time.sleep(60)
""")
    with subprocess.Popen(pytest_command(), cwd=folder, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not (folder / "up").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (folder / "up").exists()
        process.terminate()
        assert process.wait(timeout=20) == pytest.ExitCode.INTERRUPTED
    assert not (folder / "up").exists()
