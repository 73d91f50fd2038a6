"""A file is whole, ours and of this boot, or it counts for nothing."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.state.file import Origin, Unusable, Whole, Writer, read, set_aside, this_boot

OURS = Origin(node="node1", boot="this")
LINES = (b'{"a":1}', b'{"b":2}', b'{"c":3}')


def written(path: Path, origin: Origin = OURS) -> bytes:
    with Writer(path, origin) as file:
        file.add(LINES[:2])
        file.add(LINES[2:])
    return path.read_bytes()


def test_what_is_written_is_read_and_only_the_owner_may(tmp_path: Path) -> None:
    written(tmp_path / "state")
    assert read(tmp_path / "state", OURS) == Whole(lines=LINES)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_an_empty_file_of_lines_is_whole(tmp_path: Path) -> None:
    with Writer(tmp_path / "state", OURS):
        pass
    assert read(tmp_path / "state", OURS) == Whole(lines=())


def test_a_write_that_fails_leaves_the_file_before_it(tmp_path: Path) -> None:
    before = written(tmp_path / "state")
    with suppress(OSError), Writer(tmp_path / "state", OURS) as file:
        file.add([b"new"])
        raise OSError("no space")
    assert (tmp_path / "state").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_what_a_killed_writer_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".state.new").write_bytes(b"half")
    written(tmp_path / "state")
    assert read(tmp_path / "state", OURS) == Whole(lines=LINES)


@given(data=st.data())
def test_any_cut_and_any_changed_octet_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    octets = written(path)
    if data.draw(st.booleans()):
        damaged = octets[: data.draw(st.integers(0, len(octets) - 1))]
    else:
        at, flipped = data.draw(st.integers(0, len(octets) - 1)), data.draw(st.integers(1, 255))
        damaged = octets[:at] + bytes([octets[at] ^ flipped]) + octets[at + 1 :]
    path.write_bytes(damaged)
    assert isinstance(read(path, OURS), Unusable)


@pytest.mark.parametrize(
    ("theirs", "why", "of_this_boot"),
    [
        (Origin(node="node2", boot="this"), "it is that of node node2", True),
        (Origin(node="node1", boot="before"), "it is that of an earlier boot", False),
        (Origin(node="node1", boot="this", version=99), "it has version 99 of the format, not 1", True),
        (Origin(node="node1", boot="before", version=99), "it has version 99 of the format, not 1", False),
    ],
)
def test_anothers_file_is_of_no_use_and_says_why(tmp_path: Path, theirs: Origin, why: str, *, of_this_boot: bool) -> None:
    written(tmp_path / "state", theirs)
    assert read(tmp_path / "state", OURS) == Unusable(why=why, of_this_boot=of_this_boot)


def test_no_file_is_none_and_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert read(tmp_path / "state", OURS) is None
    (tmp_path / "state").mkdir()
    assert read(tmp_path / "state", OURS) == Unusable(why="it cannot be read: Is a directory", of_this_boot=True)


def test_what_is_set_aside_is_kept_once(tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / "state").write_text(text)
        set_aside(tmp_path / "state")
    assert [path.name for path in tmp_path.iterdir()] == ["state.bad"]
    assert (tmp_path / "state.bad").read_text() == "two"


def test_the_boot_is_the_same_for_all_who_ask() -> None:
    assert this_boot() == this_boot() != ""
