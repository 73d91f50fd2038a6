"""How long a change takes from the source's word to the UPDATE on the wire, and where the time goes. Pure: times come in.

- watch: in the mailbox, until the loop takes it. decide: until the engine is told. wire: until ExaBGP reports the UPDATE.
- gate: an announcement's wait for the data path, which lies between decide and wire.

Costs the same for each route that changes, whatever the number of routes; memory is bounded by what is on its way. What a
session is told when it comes up is not measured: there is no change that it follows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bgp_config.names import Prefix, host_prefix
from speaker.evidence import Claim
from speaker.reasons import Reason
from speaker.route import PathAttributes, RouteState
from speaker.session import SessionSpec
from speaker.transition import Transition

BOUNDS_S = (0.001, 0.002, 0.003, 0.005, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Direction(StrEnum):
    ANNOUNCE = "announce"
    WITHDRAW = "withdraw"


class Part(StrEnum):
    WATCH = "watch"
    DECIDE = "decide"
    GATE = "gate"
    WIRE = "wire"


@dataclass(slots=True)
class Observations:
    """Counts per bucket of BOUNDS_S, and one above all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Changes that the loop took together: when the oldest was posted, and when they were taken."""

    posted: float
    taken: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnItsWay:
    posted: float
    told: float
    direction: Direction


class Latency:
    """One owner: the daemon's loop, which per turn calls began, decided and told, in this order."""

    def __init__(self) -> None:
        self.changes: Mapping[Direction, Observations] = {direction: Observations() for direction in Direction}
        self.parts: Mapping[Part, Observations] = {part: Observations() for part in Part}
        self._origin: Origin | None = None
        self._waiting: dict[Claim, Origin] = {}
        self._released: dict[Prefix, Origin] = {}
        self._on_their_way: dict[SessionSpec, dict[Prefix, _OnItsWay]] = {}

    def began(self, origin: Origin | None) -> None:
        """A turn of the loop; None when no change of the cluster started it."""
        self._origin = origin
        self._released = {}

    def decided(self, transitions: Iterable[Transition], now: float) -> None:
        """What waits for the data path from now on, and what does so no longer."""
        for each in transitions:
            if each.vip is None:
                continue
            claim = each.service, each.vip
            if each.reason is Reason.DATA_PATH_PENDING:
                if self._origin:
                    self._waiting[claim] = self._origin
            elif (origin := self._waiting.pop(claim, None)) and each.state is not RouteState.WITHDRAWN:
                self.parts[Part.GATE].add(now - origin.taken)
                self._released[host_prefix(each.vip)] = origin

    def told(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes | None], now: float) -> None:
        """The engine was told. Only of a session whose peer has all else already."""
        if self._origin:
            self.parts[Part.WATCH].add(self._origin.taken - self._origin.posted)
            self.parts[Part.DECIDE].add(now - self._origin.taken)
        waiting = self._on_their_way.setdefault(spec, {})
        for prefix, attributes in routes.items():
            origin = self._released.get(prefix, self._origin)
            if origin is None:
                waiting.pop(prefix, None)
            else:
                direction = Direction.WITHDRAW if attributes is None else Direction.ANNOUNCE
                waiting[prefix] = _OnItsWay(posted=origin.posted, told=now, direction=direction)

    def programmed(self, spec: SessionSpec, prefix: Prefix, attributes: PathAttributes | None, at: float) -> None:
        """ExaBGP put it on the wire."""
        waiting = self._on_their_way.get(spec, {})
        direction = Direction.WITHDRAW if attributes is None else Direction.ANNOUNCE
        if (one := waiting.get(prefix)) and one.direction is direction:
            del waiting[prefix]
            self.changes[direction].add(at - one.posted)
            self.parts[Part.WIRE].add(at - one.told)

    def lost(self, spec: SessionSpec) -> None:
        """The session is down: what was on its way is part of what the next one is told."""
        self._on_their_way.pop(spec, None)
