"""The command prints what is committed, and writes it as files."""

from pathlib import Path

import pytest
import yaml

from herald.cli.main import main

CRDS = Path(__file__).parents[4] / "deploy" / "crds"


def test_the_definitions_are_printed_as_one_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crds"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert {each["kind"] for each in printed} == {"CustomResourceDefinition"}
    assert len(printed) == len(list(CRDS.glob("herald-lb.io_*.yaml")))


def test_the_definitions_are_written_one_file_for_each(tmp_path: Path) -> None:
    assert main(["crds", "--output", str(tmp_path / "new")]) == 0
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {path.name: path.read_text() for path in CRDS.glob("herald-lb.io_*.yaml")}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["crds", "--output", str(tmp_path / "file" / "new")]) == 1
    assert "herald crds:" in capsys.readouterr().err
