"""What is inherited, what is set aside, and when a speaker is the first of its boot."""

from pathlib import Path

import msgspec
import pytest

from speaker.state.file import Origin, Writer
from speaker.state.folder import PASSWORDS, STATE, inherit
from speaker.state.memory import Memory
from speaker.state.record import encode_object
from tests.builders import secret, service

OURS = Origin(node="node1", boot="this")
WEB, PASSWORD = service("web", "198.51.100.7"), secret("tor1", "secret")


def leave(directory: Path, origin: Origin = OURS) -> None:
    directory.mkdir(exist_ok=True)
    for name, thing in ((STATE, WEB), (PASSWORDS, PASSWORD)):
        with Writer(directory / name, origin) as file:
            file.add([encode_object(thing)])


def test_both_files_are_inherited_and_the_directory_is_closed_to_others(tmp_path: Path) -> None:
    leave(tmp_path / "run")
    found = inherit(tmp_path / "run", OURS)
    assert found.remembered.objects == (WEB, PASSWORD)
    assert not found.is_first_of_boot
    assert found.set_aside == ()
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_without_files_a_speaker_is_the_first_of_its_boot(tmp_path: Path) -> None:
    found = inherit(tmp_path, OURS)
    assert found.is_first_of_boot
    assert found.remembered.objects == ()


def test_files_of_an_earlier_boot_are_set_aside_and_it_is_the_first_of_this_one(tmp_path: Path) -> None:
    leave(tmp_path, Origin(node="node1", boot="before"))
    found = inherit(tmp_path, OURS)
    assert found.is_first_of_boot
    assert found.remembered.objects == ()
    assert found.set_aside == ("it is that of an earlier boot",) * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["passwords.bad", "state.bad"]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"kind":"Service","value":{}}'])
def test_a_damaged_file_is_set_aside_but_old_routes_are_not_given_up_for_it(tmp_path: Path, damage: bytes) -> None:
    leave(tmp_path)
    if damage.endswith(b"}}"):  # whole, but nothing that was ever written
        with Writer(tmp_path / STATE, OURS) as file:
            file.add([damage])
    else:
        (tmp_path / STATE).write_bytes(damage)
    found = inherit(tmp_path, OURS)
    assert not found.is_first_of_boot
    assert found.remembered.objects == (PASSWORD,)
    assert len(found.set_aside) == 1
    assert found.set_aside[0].startswith("it is damaged")


def test_what_was_set_aside_on_this_boot_tells_the_next_speaker_too_that_it_is_not_the_first(tmp_path: Path) -> None:
    leave(tmp_path, Origin(node="node1", boot="this", version=0))
    assert not inherit(tmp_path, OURS).is_first_of_boot
    assert not inherit(tmp_path, OURS).is_first_of_boot, "the one before wrote nothing"
    assert inherit(tmp_path, Origin(node="node1", boot="next")).is_first_of_boot


def test_passwords_alone_tell_that_a_speaker_ran_on_this_boot(tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / STATE).unlink()
    assert not inherit(tmp_path, OURS).is_first_of_boot


def test_a_part_that_does_not_understand_what_it_is_handed_begins_anew(tmp_path: Path) -> None:
    with Writer(tmp_path / STATE, OURS) as file:
        file.add([b'{"part":"one","value":1}', b'{"part":"two","value":"2"}'])

    class Number:
        def __init__(self, name: str) -> None:
            self.name, self.value = name, 0

        def remember(self) -> object:
            return self.value

        def recall(self, said: msgspec.Raw) -> None:
            self.value = msgspec.json.decode(said, type=int)

    parts = [Number("one"), Number("two"), Number("three")]
    inherit(tmp_path, OURS).hand_out(parts)
    assert [part.value for part in parts] == [1, 0, 0]


def test_people_are_told_what_was_set_aside() -> None:
    memory = Memory(())
    memory.set_aside = ("it is that of an earlier boot",)
    assert memory.errors() == [
        ("StateFile", "setAside", "a file of the last speaker is set aside: it is that of an earlier boot")
    ]
