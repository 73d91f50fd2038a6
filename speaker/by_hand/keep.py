"""Keeps the orders in a file of the runtime directory: a speaker that is restarted goes on withdrawing until their end.

Written before an order is confirmed. Of another boot, another node or damaged it counts for nothing, and is set aside.
"""

from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import msgspec

from speaker.by_hand.order import About, Order, Way
from speaker.state.file import Origin, Unusable, Whole, Writer, read, set_aside

NAME: Final = "by-hand"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`switch`: the version of the switch file that its orders are from, those that are over by now too."""

    orders: tuple[Order, ...] = ()
    switch: str = ""


class _Order(msgspec.Struct, frozen=True, omit_defaults=True):
    until: float
    until_utc: datetime
    way: Way
    who: str
    about: str = ""
    reason: str = ""


class _Kept(msgspec.Struct, frozen=True):
    orders: list[_Order]
    switch: str


def save(directory: Path, origin: Origin, kept: Kept) -> None:
    """Raises OSError."""
    plain = [_Order(each.until, each.until_utc, each.way, each.who, _text(each.about), each.reason) for each in kept.orders]
    with Writer(directory / NAME, origin) as file:
        file.add([msgspec.json.encode(_Kept(plain, kept.switch))])


def load(directory: Path, origin: Origin) -> Kept | Unusable:
    """What an earlier speaker of this boot left."""
    path = directory / NAME
    match read(path, origin):
        case None:
            return Kept()
        case Whole(lines=[line]):
            try:
                return _kept(msgspec.json.decode(line, type=_Kept))
            except (ValueError, msgspec.MsgspecError) as error:
                why = Unusable(why=f"it is damaged: {error}", of_this_boot=True)
        case Unusable() as why:
            pass
        case _:
            why = Unusable(why="it is damaged: it has not one line", of_this_boot=True)
    set_aside(path)
    return why


def _kept(said: _Kept) -> Kept:
    return Kept(orders=tuple(map(_order, said.orders)), switch=said.switch)


def _order(said: _Order) -> Order:
    about = ip_address(said.about) if said.about else None
    return Order(about=about, until=said.until, until_utc=said.until_utc, way=said.way, who=said.who, reason=said.reason)


def _text(about: About) -> str:
    return "" if about is None else str(about)
