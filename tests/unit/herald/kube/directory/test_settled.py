"""A file is read only while nobody writes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from herald.kube.directory.pace import USUAL
from herald.kube.directory.settled import Settled, Signature, Unsettled, _may_read, read_settled


def test_who_would_write_while_we_read_waits_and_its_signal_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    with path.open("rb") as file:
        assert _may_read(file.fileno(), 0.0, USUAL)
        writer = subprocess.Popen([sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write('b')", str(path)])
        time.sleep(0.5)  # for the claim that nothing happens
        assert writer.poll() is None
        assert file.read() == b"a: 1\n"
    assert writer.wait(5.0) == 0
    assert path.read_text() == "b"


def test_a_file_open_for_writing_is_read_only_when_it_was_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("w") as file:
        file.write("a: 1\n")
        file.flush()
        assert isinstance(read_settled(path, None, USUAL.abandoned_s - 1.0, USUAL), Unsettled)
        assert isinstance(read_settled(path, None, USUAL.abandoned_s, USUAL), Settled)


@pytest.mark.parametrize(
    ("name", "text", "waits"),
    [
        ("a.yaml", "a: 1", True),
        ("a.yaml", "a: 1\n", False),
        ("a.yaml", "{a: 1}", False),
        ("a.yaml", "", False),
        ("a.json", "1", False),
    ],
)
def test_only_yaml_written_in_place_without_a_line_end_waits_for_more(
    tmp_path: Path, name: str, text: str, *, waits: bool
) -> None:
    path = tmp_path / name
    path.write_text("before\n")
    before = Signature.of(path.stat())
    path.write_text(text)
    assert isinstance(read_settled(path, before, 0.0, USUAL), Unsettled) is waits
    assert isinstance(read_settled(path, before, USUAL.cut_short_s, USUAL), Settled)
    path.unlink()
    path.write_text(text)
    other = Signature.of(path.stat())._replace(inode=before.inode + 1_000_000)
    assert isinstance(read_settled(path, other, 0.0, USUAL), Settled)


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(OSError, match="not a regular file"):
        read_settled(tmp_path / "a.yaml", None, 0.0, USUAL)
