"""The script ./run: what it says, and how it ends. What it sets up is shown on a machine without Herald."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from herald.lab.kube import programs

CHECKOUT = Path(__file__).parents[2]
WORDS = ["setup", "demo", "test", "check", "bench", "soak", "docs", "herald", "clean", "help"]


def run(*arguments: str, cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([CHECKOUT / "run", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize(
    "script",
    ["run", "scripts/setup.sh", "scripts/build-kube.sh", "scripts/render-kustomize.sh", "deploy/slim.sh", ".ci/run"],
)
def test_script_is_executable_and_parses(script: str) -> None:
    path = CHECKOUT / script
    assert path.stat().st_mode & 0o111
    interpreter = path.read_text().splitlines()[0].rpartition("/")[2].removeprefix("env ")
    subprocess.run([interpreter, "-n", path], check=True, timeout=20)


def test_help_lists_each_word_that_the_script_knows() -> None:
    known = re.findall(r"^    (\w+)(?: \| [-\w |]+)?\)$", (CHECKOUT / "run").read_text(), re.MULTILINE)
    listed = re.findall(r"^  (\w+) ", run("help").stdout, re.MULTILINE)
    assert sorted(known) == sorted(listed) == sorted(WORDS)


def test_no_word_gives_the_help() -> None:
    assert run().stdout == run("--help").stdout == run("help").stdout


def test_an_unknown_word_ends_with_2_and_a_hint() -> None:
    result = run("tset")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "'tset'" in result.stderr
    assert "./run help" in result.stderr


def test_an_unknown_benchmark_ends_with_2_and_lists_them() -> None:
    result = run("bench", "no-such")
    assert result.returncode == 2
    assert "usage: ./run bench [NAME]" in result.stderr


def test_works_from_any_folder(tmp_path: Path) -> None:
    assert run("help", cwd=tmp_path).returncode == 0


def test_the_set_up_knows_no_other_level() -> None:
    result = subprocess.run(
        [CHECKOUT / "scripts/setup.sh", "everything"], capture_output=True, text=True, check=False, timeout=20
    )
    assert result.returncode == 1
    assert "say 'python', 'lab' or 'kube'" in result.stderr


def test_set_up_takes_no_other_word_than_kube() -> None:
    result = run("setup", "everything")
    assert result.returncode == 1
    assert "'kube'" in result.stderr


@pytest.mark.parametrize(
    ("module", "major"), [("kube", 1), ("helm", 3), ("compose", 2), ("prometheus-operator", 0), ("argo-cd", 3)], ids=str
)
def test_what_is_built_is_kept_outside_of_the_checkout_by_version(module: str, major: int) -> None:
    """The two that know the place, the script and the lab, say the same."""
    said = subprocess.check_output([CHECKOUT / "scripts/build-kube.sh", "dir", module], text=True, timeout=20)
    place = Path(said.strip())
    assert place == programs.cache(module)
    assert place.name.startswith(f"{module}-v{major}.")
    assert CHECKOUT not in place.parents


def test_clean_also_removes_what_is_kept_outside_the_checkout(tmp_path: Path) -> None:
    """In a copy, and with an rm that removes nothing."""
    shutil.copy(CHECKOUT / "run", tmp_path)
    for name, script in {
        ".venv/bin/herald": "exit 0",
        "scripts/build-kube.sh": "echo built",
        "bin/sudo": 'shift; exec "$@"',
        "bin/rm": f'echo "$@" >> {tmp_path}/removed',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    subprocess.run([tmp_path / "run", "clean"], env=environment, check=True, timeout=20)
    kept = re.search(r"=(/run/\S+)", (tmp_path / "run").read_text())
    assert kept
    assert f"-rf {kept[1]}" in (tmp_path / "removed").read_text().splitlines()
