"""`herald status` as it is run: on files, with errors in one line, as JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from herald.cli.main import main

EXAMPLES = Path(__file__).parents[4] / "deploy" / "examples"


def test_on_the_examples_every_node_announces_what_is_requested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--manifests", str(EXAMPLES)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (dns,) = [line.split() for line in lines if "network/dns" in line]
    assert dns[:2] == ["network/dns", "198.51.100.53"]
    assert dns[2:5] == ["3", "of", "3"]


def test_one_service_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "svc", "network/dns", "--manifests", str(EXAMPLES), "-o", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [service["name"] for service in answer["services"]] == ["dns"]
    assert answer["services"][0]["addresses"][0]["vip"] == "198.51.100.53"
    assert [node["services"][0]["vips"][0]["state"] for node in answer["nodes"]] == ["normal"] * 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["svc", "network/absent", "--manifests", str(EXAMPLES)], "there is no Service network/absent of type LoadBalancer"),
        (["pod", "x", "--manifests", str(EXAMPLES)], "say nothing, or svc NAMESPACE/NAME"),
        (["--local", "--runtime-dir", "/nonexistent"], "no speaker answers in /nonexistent"),
        (["--manifests", "/nonexistent"], "/nonexistent cannot be read"),
        (["--kubeconfig", "/nonexistent"], "/nonexistent: No such file or directory; name a kubeconfig with --kubeconfig"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith("herald status: ")
    assert error.count(said) == 1, "also what is so for every kind is said once"
    assert len(error.splitlines()) == 1


def test_what_is_wrong_with_a_file_is_said_once(tmp_path: Path) -> None:
    """In a process of its own, where no test runner takes what is logged."""
    (tmp_path / "broken.yaml").write_text("a: [b\n")
    argv = [sys.executable, "-m", "herald", "status", "--manifests", str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("broken.yaml") == 1
