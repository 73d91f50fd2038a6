"""What `herald withdraw` and the speaker say to each other on the command socket: a line of JSON each way. Pure."""

from datetime import datetime
from typing import Final, TypeAlias

import msgspec

SOCKET: Final = "command.sock"


class Word(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What all of them share."""


class Withdraw(Word, frozen=True, tag="withdraw"):
    """`about`: a VIP or `all`."""

    about: str
    ttl_s: float
    reason: str = ""


class Cancel(Word, frozen=True, tag="cancel"):
    about: str


class List(Word, frozen=True, tag="list"):
    pass


Command: TypeAlias = Withdraw | Cancel | List


class OrderFact(Word, frozen=True):
    about: str
    until: datetime
    who: str
    way: str
    reason: str = ""


class Reply(Word, frozen=True):
    """`problem`: why nothing was done; `note`: what else there is to know. `orders` are all that are in force now."""

    problem: str = ""
    note: str = ""
    orders: list[OrderFact] = []
