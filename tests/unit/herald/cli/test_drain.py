"""`herald drain` and `herald undrain` on a folder: what they write, what they keep, and what they refuse with a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from herald.cli.main import main

NODES = """\
apiVersion: v1
kind: Node
metadata: {name: node1}
---
apiVersion: v1
kind: Node
metadata: {name: node2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nodes.yaml").write_text(NODES)
    return tmp_path


def drain(folder: Path, *words: str) -> int:
    return main(["drain", *words, "--manifests", str(folder)])


def undrain(folder: Path, node: str) -> int:
    return main(["undrain", node, "--manifests", str(folder)])


def written(folder: Path, name: str = "node1") -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((folder / f"drain-{name}.yaml").read_text())
    assert (manifest["kind"], manifest["metadata"]) == ("Drain", {"name": name})
    spec: dict[str, Any] = manifest["spec"]
    return spec


def test_it_writes_the_drain_and_what_is_not_said_again_stays(folder: Path) -> None:
    assert drain(folder, "node1", "--seconds", "60", "--reason", "new disks") == 0
    assert written(folder) == {"nodes": ["node1"], "drainSeconds": 60, "reason": "new disks"}
    assert drain(folder, "node1", "--until", "2027-01-31T18:00:00Z", "--force") == 0
    assert written(folder) == {
        "nodes": ["node1"],
        "drainSeconds": 60,
        "reason": "new disks",
        "until": "2027-01-31T18:00:00Z",
        "force": True,
    }


def test_a_time_that_is_over_is_not_kept_so_that_asking_anew_drains_anew(folder: Path) -> None:
    drain(folder, "node1", "--until", "2026-01-01T00:00:00Z", "--seconds", "60")
    assert drain(folder, "node1") == 0
    assert written(folder) == {"nodes": ["node1"], "drainSeconds": 60}


def test_undrain_takes_it_away_and_finds_nothing_the_next_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drain(folder, "node1")
    assert undrain(folder, "node1") == 0
    assert not (folder / "drain-node1.yaml").exists()
    assert undrain(folder, "node1") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "node1: no Drain is about it"


@pytest.mark.parametrize("word", ["drain", "undrain"])
def test_a_node_that_is_not_there_is_named(word: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "node9", "--manifests", str(folder)]) == 1
    assert f"herald {word}: there is no Node node9 in {folder}: `herald status` lists" in capsys.readouterr().err
    assert not list(folder.glob("drain-*"))


@pytest.mark.parametrize(("words", "said"), [(["--seconds", "4000"], "drainSeconds"), (["--until", "tomorrow"], "until")])
def test_what_no_server_would_take_is_not_written(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drain(folder, "node1", *words) == 1
    assert said in capsys.readouterr().err
    assert not (folder / "drain-node1.yaml").exists()


def rack(folder: Path, name: str, *nodes: str) -> None:
    manifest = {"apiVersion": "herald-lb.io/v1alpha1", "kind": "Drain", "metadata": {"name": name}}
    (folder / "rack.yaml").write_text(yaml.safe_dump({**manifest, "spec": {"nodes": list(nodes)}}))


def test_a_drain_of_others_is_left_to_people_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rack(folder, "rack-a", "node1", "node2")
    assert undrain(folder, "node1") == 1
    assert "node1 stays drained by Drain rack-a: end it, or take the node out of spec.nodes" in capsys.readouterr().err


def test_a_drain_of_the_nodes_name_that_is_about_others_is_not_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rack(folder, "node1", "node1", "node2")
    assert drain(folder, "node1") == 1
    assert "Drain node1 is about other nodes too" in capsys.readouterr().err


def test_to_wait_it_has_to_know_where_the_controller_says_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        drain(folder, "node1", "--wait")
    assert "--wait needs --state" in capsys.readouterr().err
