"""Drives one ExaBGP process over one life: what it said in, what happened and what to write out. Pure.

A life: not up -> up -> loading (all desired routes) -> draining (all of them on the wire) -> marking (End-of-RIB per
family) -> in sync -> over. It ends with the session, or with the first thing that ExaBGP does that it should not: what is
programmed is then unknown, and only a new process starts from nothing for certain.

Invariants: nothing is written before the session is up; at most MAX_LINES commands are unanswered; announcements wait
while MAX_IN_FLIGHT prefixes are on their way, withdrawals do not, so that an urgent withdrawal never waits behind more than
that; End-of-RIB is written alone, and comes also where there is no route.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias, assert_never

from bgp_config.names import Family, Prefix
from speaker.exabgp.adj_rib_out import AdjRibOut
from speaker.exabgp.command import Command, EndOfRib, line
from speaker.exabgp.config import family_name
from speaker.exabgp.message import Done, Down, EndOfRibSent, Error, Sent, Unknown, Up, parse
from speaker.exabgp.open import PeerOpen
from speaker.exabgp.why import error_of, explain
from speaker.route import PathAttributes
from speaker.session import Closed, Established, InSync, Programmed, SessionEvent, SessionSpec

MAX_LINES = 50
MAX_IN_FLIGHT = 240
STALL_MARGIN_S = 10.0
DEFAULT_HOLD_TIME_S = 90
"""RFC 4271, section 10. For a session without a hold timer."""


@dataclass(frozen=True, slots=True)
class Remark:
    """For the log."""

    text: str


Output: TypeAlias = SessionEvent | Remark


class _Phase(Enum):
    NOT_UP = auto()
    LOADING = auto()
    DRAINING = auto()
    MARKING = auto()
    IN_SYNC = auto()


class Driver:
    """Owns what is desired while this process lives; `desired` passes on to the next one."""

    def __init__(self, spec: SessionSpec, routes: Mapping[Prefix, PathAttributes]) -> None:
        self._spec = spec
        self._rib = AdjRibOut(routes)
        self._phase = _Phase.NOT_UP
        self._families = spec.families
        self._hold_time_s: int | None = None
        self._extends_next_hops = False
        self._helps_restart = False
        self._to_mark: list[Family] = []
        self._unmarked: set[Family] = set()
        self._unanswered = 0
        self._progress_at = 0.0
        self._partial = b""
        self._over: str | None = None

    @property
    def over(self) -> str | None:
        """Why this process is of no use any more, for people; None while it is."""
        return self._over

    @property
    def desired(self) -> Mapping[Prefix, PathAttributes]:
        return self._rib.desired

    @property
    def is_up(self) -> bool:
        return self._phase is not _Phase.NOT_UP

    @property
    def is_settled(self) -> bool:
        """Nothing of ours is still on its way to the wire."""
        return not self._unanswered and not self._rib.in_flight

    @property
    def says_nothing(self) -> bool:
        """The peer has none of our routes, and none is on its way."""
        return not self.is_up or (self.is_settled and not self._rib.programmed)

    @property
    def outlives_restart(self) -> bool:
        """Both ends agreed that the peer keeps our routes when the session is lost (RFC 4724). Not known: no."""
        return self.is_up and self._helps_restart and self._spec.graceful_restart_s is not None

    def stalled(self, now: float) -> bool:
        """Whether ExaBGP owes an answer for longer than the hold timer would let a silent peer live."""
        limit = (self._spec.hold_time_s or DEFAULT_HOLD_TIME_S) + STALL_MARGIN_S
        return self.is_up and not self.is_settled and now - self._progress_at > limit

    def want(self, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        self._rib.want(changes)

    def want_nothing(self) -> None:
        self._rib.want_nothing()

    def receive(self, octets: bytes, now: float) -> list[Output]:
        """What happened, in order. `take` may have something to write afterwards."""
        *lines, self._partial = (self._partial + octets).split(b"\n")
        outputs: list[Output] = []
        for written in lines:
            if self._over is None:
                self._progress_at = now
                outputs += self._one(written, now)
        return outputs

    def take(self, now: float) -> bytes:
        """What to write to ExaBGP now."""
        if self._over is not None or not self.is_up:
            return b""
        if self.is_settled:
            self._progress_at = now
        lines: list[bytes] = []
        while self._unanswered < MAX_LINES and (command := self._next()) is not None:
            self._unanswered += 1
            lines.append(line(command))
        return b"".join(lines)

    def _next(self) -> Command | None:
        if self._phase is _Phase.LOADING:
            if command := self._change() or self._load():
                return command
            if self._has_room:
                self._phase = _Phase.DRAINING
        if self._phase is _Phase.DRAINING and self.is_settled:
            self._phase = _Phase.MARKING
        if self._phase is _Phase.MARKING and self._to_mark:
            return EndOfRib(family=self._to_mark.pop())
        return self._change() if self._phase is _Phase.IN_SYNC else None

    @property
    def _has_room(self) -> bool:
        return self._rib.in_flight < MAX_IN_FLIGHT

    def _change(self) -> Command | None:
        return self._rib.withdrawal() or (self._rib.announcement() if self._has_room else None)

    def _load(self) -> Command | None:
        return self._rib.load() if self._has_room else None

    def _one(self, octets: bytes, now: float) -> list[Output]:  # noqa: PLR0911 -- one case per kind of message
        match parse(octets):
            case Done():
                self._unanswered -= 1
                return self._in_sync(now)
            case Sent() as sent:
                programmed = enumerate(self._rib.sent(sent))
                return [Programmed(self._spec, now, prefix, to, begins_update=not n) for n, (prefix, to) in programmed]
            case EndOfRibSent(family):
                self._unmarked.discard(family)
                return self._in_sync(now)
            case PeerOpen(families, extends_next_hops, helps_restart) as peer:
                self._hold_time_s = min(peer.hold_time_s, self._spec.hold_time_s)
                self._families = families & self._spec.families
                self._extends_next_hops = extends_next_hops and self._spec.extends_next_hops
                self._helps_restart = helps_restart
                return []
            case Up():
                return self._up(now)
            case Down(reason):
                return self._down(Closed(self._spec, now, explain(reason), error_of(reason)))
            case Error():
                self._over = "ExaBGP refused a command"
                return [Closed(self._spec, now, self._over)]
            case Unknown(text, malformed):
                return [Remark(f"ExaBGP wrote what is no event: {text}")] if malformed else []
            case other:
                assert_never(other)

    def _up(self, now: float) -> list[Output]:
        self._to_mark = sorted(self._families)
        self._unmarked = set(self._families)
        self._rib.start(self._families, extends_next_hops=self._extends_next_hops)
        established: list[Output] = [Established(self._spec, now, self._hold_time_s), *self._not_carried()]
        if self._families:
            self._phase = _Phase.LOADING
            return established
        self._phase = _Phase.IN_SYNC
        return [*established, InSync(self._spec, now)]

    def _not_carried(self) -> list[Output]:
        return [
            Remark(f"the peer does not carry {family_name(family)}: its routes are not announced there")
            for family in sorted(self._spec.families - self._families)
        ]

    def _down(self, closed: Closed) -> list[Output]:
        if self.is_up:
            self._over = closed.why
        return [closed]

    def _in_sync(self, now: float) -> list[Output]:
        if self._phase is not _Phase.MARKING or self._unmarked or self._unanswered:
            return []
        self._phase = _Phase.IN_SYNC
        return [InSync(self._spec, now)]
