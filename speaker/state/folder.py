"""Opens what an earlier speaker left in the runtime directory, and says what of it counts."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from herald.program.logs import fields
from speaker.runtime_dir import DIRECTORY_MODE
from speaker.state.file import SET_ASIDE, Origin, Unusable, Whole, read, set_aside
from speaker.state.record import Part, Remembered, decode

STATE: Final = "state"
PASSWORDS: Final = "passwords"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """`is_first_of_boot`: no speaker ran on this boot before, as far as the directory tells. `set_aside`: what, and why."""

    remembered: Remembered
    is_first_of_boot: bool
    set_aside: tuple[str, ...] = ()

    def hand_out(self, parts: Iterable[Part]) -> None:
        """To each part what it said in the earlier life."""
        for part in parts:
            if (said := self.remembered.parts.get(part.name)) is not None:
                try:
                    part.recall(said)
                except (ValueError, msgspec.MsgspecError) as error:
                    log.warning("a part of the state is not understood", extra=fields(part=part.name, why=error))


def inherit(directory: Path, origin: Origin) -> Inheritance:
    """Closes the directory to others, reads what is there, and sets aside what is of no use."""
    with suppress(PermissionError):  # another's directory is theirs to guard
        directory.chmod(DIRECTORY_MODE)
    set_aside_before = [read(directory / (name + SET_ASIDE), origin) for name in (STATE, PASSWORDS)]
    read_files = [_open(directory / name, origin) for name in (STATE, PASSWORDS)]
    state, passwords = (each if isinstance(each, Remembered) else Remembered() for each in read_files)
    unusable = [each for each in read_files if isinstance(each, Unusable)]
    is_first = not any(_is_of_this_boot(each) for each in (*read_files, *set_aside_before))
    return Inheritance(
        remembered=Remembered(objects=state.objects + passwords.objects, parts=state.parts),
        is_first_of_boot=is_first,
        set_aside=tuple(each.why for each in unusable),
    )


def _is_of_this_boot(found: Remembered | Whole | Unusable | None) -> bool:
    """Also what was set aside: a speaker may have ended again before it wrote a file of its own."""
    return found.of_this_boot if isinstance(found, Unusable) else found is not None


def _open(path: Path, origin: Origin) -> Remembered | Unusable | None:
    found: Remembered | Unusable | None
    match read(path, origin):
        case Whole(lines=lines):
            try:
                return decode(lines)
            except ValueError as error:
                found = Unusable(why=f"it is damaged: {error}", of_this_boot=True)
        case other:
            found = other
    if found is not None:
        set_aside(path)
        log.warning("the state of an earlier speaker is set aside", extra=fields(file=path, why=found.why))
    return found
