"""Watches the switch file, and has it obeyed when it is another one or gone. It needs nothing but the file system.

A file that others than root and the speaker's own user could have written is not obeyed.
"""

import asyncio
import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from herald.program.logs import fields
from speaker.by_hand.order import Order, Way
from speaker.by_hand.switch_file import MAX_BYTES, NAME, REMEDY, parse
from speaker.by_hand.witness import ByHand

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5
GONE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """`version` is another one whenever it was written."""

    version: str
    owner: int
    text: str


class Switch:
    """One owner: its task."""

    def __init__(self, by_hand: ByHand) -> None:
        self._by_hand = by_hand
        self._path = by_hand.directory / NAME
        self._refused = ""

    async def run(self) -> NoReturn:
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Once."""
        try:
            found = _read(self._path)
        except (OSError, ValueError) as error:
            self._refuse(str(error))
            return
        self._refused = ""
        version = found.version if found else GONE
        if version == self._by_hand.switch:
            return
        who = f"uid {found.owner}" if found else "the file is gone"
        switches = parse(found.text if found else "")
        for problem in switches.problems:
            log.error("a line of the switch file says nothing", extra=fields(file=self._path, why=problem, remedy=REMEDY))
        orders = [Order.now(about, ttl_s, Way.FILE, who) for about, ttl_s in switches.ttl_s.items()]
        try:
            self._by_hand.obey_switch(version, orders, who)
        except (OSError, ValueError) as error:
            log.error("the switch file is not obeyed as a whole", extra=fields(file=self._path, why=error))  # noqa: TRY400

    def _refuse(self, why: str) -> None:
        """Said once."""
        if why != self._refused:
            self._refused = why
            log.error("the switch file is not obeyed", extra=fields(file=self._path, why=why))


def _read(path: Path) -> _File | None:
    """None: there is none. Raises OSError, and ValueError for a file that is not to be trusted or read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no regular file")
        if about.st_uid not in {0, os.geteuid()} or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError("others may have written it: give it to root, with mode 0644 or 0600")
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return _File(version=f"{about.st_ino}-{about.st_mtime_ns}-{about.st_size}", owner=about.st_uid, text=text.decode())
