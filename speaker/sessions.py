"""Which sessions to open and close now, so that those that run become those that are desired. Pure.

Two rules (DESIGN.md, "Speaker and ExaBGP"): two sessions never share both ends of a TCP connection, so a changed one is
closed, and opened again when it has ended; and of several changed ones only one is replaced at a time, the next when the
first has its routes on the wire again, or after a minute.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from speaker.session import Endpoints, SessionSpec

PATIENCE_S = 60.0
"""After so long without End-of-RIB a replaced session no longer holds up the next."""


class Phase(Enum):
    """Where a session is between open() and Ended."""

    OPENING = auto()
    IN_SYNC = auto()
    CLOSING = auto()


@dataclass(slots=True)
class Running:
    """A session that was opened; `since` is when, in seconds of the monotonic clock."""

    phase: Phase
    since: float
    replaces_another: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What to do now; `close` first."""

    close: tuple[SessionSpec, ...] = ()
    open: tuple[SessionSpec, ...] = ()


@dataclass(slots=True)
class Sessions:
    """The sessions that run, and what shall become of them. One owner: the daemon's loop."""

    running: dict[SessionSpec, Running] = field(default_factory=dict)
    _being_replaced: Endpoints | None = None

    def moves(self, desired: Iterable[SessionSpec], now: float) -> Moves:
        """The moves for this moment, noted as done."""
        wanted = {spec.endpoints: spec for spec in desired}
        close = tuple(self._closings(wanted, now))
        for spec in close:
            self.running[spec].phase = Phase.CLOSING
        busy = {spec.endpoints for spec in self.running}
        opened = tuple(spec for endpoints, spec in wanted.items() if endpoints not in busy)
        for spec in opened:
            replaces = spec.endpoints == self._being_replaced
            self.running[spec] = Running(Phase.OPENING, now, replaces_another=replaces)
        return Moves(close=close, open=opened)

    def in_sync(self, spec: SessionSpec) -> None:
        """End-of-RIB went out."""
        if (session := self.running.get(spec)) and session.phase is Phase.OPENING:
            session.phase = Phase.IN_SYNC

    def ended(self, spec: SessionSpec) -> None:
        """Its ExaBGP is gone."""
        self.running.pop(spec, None)

    def _closings(self, wanted: dict[Endpoints, SessionSpec], now: float) -> Iterable[SessionSpec]:
        for spec, session in list(self.running.items()):
            successor = wanted.get(spec.endpoints)
            if session.phase is Phase.CLOSING or successor == spec:
                continue
            if successor is None:
                yield spec
            elif not self._replacing(wanted, now):
                self._being_replaced = spec.endpoints
                yield spec

    def _replacing(self, wanted: dict[Endpoints, SessionSpec], now: float) -> bool:
        """Whether an earlier replacement is still under way, and still wanted."""
        if self._being_replaced is None or self._being_replaced not in wanted:
            return False
        current = next(((s, r) for s, r in self.running.items() if s.endpoints == self._being_replaced), None)
        if current is None:
            return True
        spec, session = current
        if session.phase is Phase.CLOSING:
            return True
        if spec != wanted[self._being_replaced]:  # it changed again: go on with it first
            return False
        return session.phase is Phase.OPENING and session.replaces_another and now - session.since < PATIENCE_S
