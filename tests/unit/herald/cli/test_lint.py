"""The command: what it reads, and its exit code."""

import io
import json
import sys
from pathlib import Path

import pytest

from herald.cli.main import main

EXAMPLES = Path(__file__).parents[4] / "deploy" / "examples"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: tor1, namespace: herald-system}\nstringData: {password: hush}\n"
BAD = "apiVersion: herald-lb.io/v1alpha1\nkind: Community\nmetadata: {name: a}\nspec: {value: 7}\n"
DANGLING = "apiVersion: herald-lb.io/v1alpha1\nkind: BGPAdvertisement\nmetadata: {name: a}\nspec: {pools: [b]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("sub/bad.yaml", "bad.yml", ".git/bad.yaml", "bad.txt"):
        (tmp_path / name).write_text(BAD.replace("name: a", f"name: {len(name)}x"))
    return tmp_path


def test_the_examples_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(EXAMPLES)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "objects: 10; errors: 0; warnings: 0" in err


def test_a_folder_is_what_the_programs_would_read_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [str(folder / "bad.yml"), str(folder / "sub" / "bad.yaml")]


def test_a_secret_in_a_folder_of_manifests_is_named_with_its_place_and_never_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "peers.yaml"
    file.write_text(f"{SECRET}---\napiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret}}\n---\n{DANGLING}")
    assert main(["lint", str(tmp_path)]) == 0
    first, second, dangling = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}:2: warning: Secret/tor1 ")
    assert "is refused" in first
    assert "mode 0700" in first
    assert "hush" not in first
    assert second.startswith(f"{file}:9: warning: ")
    assert "Secret" not in dangling


def test_a_secret_may_be_where_no_program_of_ours_reads_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.yaml").write_text(SECRET)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SECRET.encode())))
    assert main(["lint", "-", str(tmp_path / "secret.yaml")]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_is_named_is_read_whatever_its_name(folder: Path) -> None:
    assert main(["lint", str(folder / "bad.txt")]) == 1


def test_files_are_judged_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "copy.yaml").write_text((folder / "bad.yml").read_text())
    main(["lint", str(folder / "bad.yml"), str(folder / "copy.yaml")])
    assert "is defined already" in capsys.readouterr().out


def test_stdin_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    assert main(["lint", "-"]) == 1
    assert capsys.readouterr().out.startswith("<stdin>:4: error: Community/a")


def test_warnings_alone_are_no_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dangling.yaml").write_text(DANGLING)
    assert main(["lint", str(folder / "dangling.yaml")]) == 0
    assert "warning" in capsys.readouterr().out


def test_what_cannot_be_read_is_told_and_the_rest_is_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "loop.yaml").symlink_to("loop.yaml")
    assert main(["lint", str(folder / "none.yaml"), str(folder), "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 2
    assert f"{folder / 'none.yaml'}: cannot be read: No such file" in err
