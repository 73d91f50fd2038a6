"""What was ordered by hand: this VIP, or all, is withdrawn from this node until then.

Every order has an end, at most LONGEST_S away. A later order about the same, by the same way, takes the place of an earlier.
"""

import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, Self, TypeAlias

from bgp_config.names import IPAddress

SHORTEST_S: Final = 1.0
LONGEST_S: Final = 24 * 3600.0
MAX_ORDERS: Final = 1000
MAX_REASON: Final = 200
ALL: Final = "all"
_TTL = re.compile(r"([0-9]{1,9})([smh])")
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Way(StrEnum):
    """How an order came."""

    COMMAND = "command"
    FILE = "file"


About: TypeAlias = IPAddress | None
"""A VIP; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`until` is of the monotonic clock, which is one for all processes of a boot; `until_utc` and `who` are for people."""

    about: About
    until: float
    until_utc: datetime
    way: Way
    who: str
    reason: str = ""

    @classmethod
    def now(cls, about: About, ttl_s: float, way: Way, who: str, reason: str = "") -> Self:
        """From now on, for so long."""
        until_utc = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ttl_s)
        return cls(
            about=about, until=time.monotonic() + ttl_s, until_utc=until_utc, way=way, who=who, reason=reason[:MAX_REASON]
        )

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"until {self.until_utc:%Y-%m-%dT%H:%M:%SZ} by {self.who}, by {self.way}{why}"


@dataclass(slots=True)
class Orders:
    """Those in force. One owner: the witness. No order ends before `_ends_at`."""

    _by_key: dict[tuple[Way, About], Order] = field(default_factory=dict)
    _ends_at: float = math.inf

    @property
    def in_force(self) -> tuple[Order, ...]:
        """All first, then by VIP."""
        orders = self._by_key.values()
        return tuple(sorted(orders, key=lambda each: (each.about is not None, word(each.about), each.way)))

    def give(self, order: Order) -> None:
        """Raises ValueError where there are too many. All can be withdrawn always."""
        is_new = (order.way, order.about) not in self._by_key
        if order.about is not None and is_new and len(self._by_key) >= MAX_ORDERS:
            raise ValueError(f"there are {MAX_ORDERS} orders already: cancel some, or withdraw all")
        self._by_key[order.way, order.about] = order
        self._ends_at = min(self._ends_at, order.until)

    def cancel(self, way: Way, about: About) -> Order | None:
        """The order that there was."""
        return self._by_key.pop((way, about), None)

    def expire(self, now: float) -> list[Order]:
        """Those whose time is over."""
        if now < self._ends_at:
            return []
        over = [order for order in self._by_key.values() if order.until <= now]
        for order in over:
            del self._by_key[order.way, order.about]
        self._ends_at = min((order.until for order in self._by_key.values()), default=math.inf)
        return over


def word(about: About) -> str:
    return ALL if about is None else str(about)


def parse_about(text: str) -> About:
    """A VIP or `all`. Raises ValueError."""
    return None if text == ALL else ip_address(text)


def parse_ttl(text: str) -> float:
    """Seconds, of 90s, 15m or 2h. Raises ValueError for anything else, and for what is too short or too long."""
    match = _TTL.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no time such as 90s, 15m or 2h")
    return bounded(int(match[1]) * _UNIT_S[match[2]])


def bounded(ttl_s: float) -> float:
    """Raises ValueError for what is too short or too long."""
    if not SHORTEST_S <= ttl_s <= LONGEST_S:
        raise ValueError(f"a withdrawal by hand lasts from {SHORTEST_S:g} s to {LONGEST_S / 3600:g} h, not {ttl_s:g} s")
    return ttl_s


def by_way(orders: Iterable[Order]) -> Mapping[Way, int]:
    counts = dict.fromkeys(Way, 0)
    for order in orders:
        counts[order.way] += 1
    return counts
