"""Which sessions to open and close now, so that those that run become those that are desired. Pure.

Rules (DESIGN.md, "Speaker and ExaBGP"): two sessions never share both ends of a TCP connection, so a changed one is
closed, and opened again when it has ended; and of several changed ones only one is replaced at a time, the next when the
first has its routes on the wire again, or after a minute. One that shall be mute is opened without routes: one that has
said anything is closed first, so that nothing it said is left with the peer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
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
    """A session that was opened; `since` is when, in seconds of the monotonic clock. `is_mute`: it is told no route."""

    phase: Phase
    since: float
    is_mute: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What to do now; `close` first. `speak`: they were mute, and are now told all their routes."""

    close: tuple[SessionSpec, ...] = ()
    open: tuple[SessionSpec, ...] = ()
    speak: tuple[SessionSpec, ...] = ()


@dataclass(slots=True)
class Sessions:
    """The sessions that run, and what shall become of them. One owner: the daemon's loop."""

    running: dict[SessionSpec, Running] = field(default_factory=dict)
    _being_replaced: Endpoints | None = None

    def moves(self, desired: Iterable[SessionSpec], now: float, mute: Collection[SessionSpec] = ()) -> Moves:
        """The moves for this moment, noted as done. `mute` are those of the desired that shall say nothing."""
        wanted = {spec.endpoints: spec for spec in desired}
        loud = [spec for spec in mute if spec in self.running and not self.running[spec].is_mute]
        close = tuple(self._closings({end: spec for end, spec in wanted.items() if spec not in loud}, now))
        for spec in close:
            self.running[spec].phase = Phase.CLOSING
        busy = {spec.endpoints for spec in self.running}
        opened = tuple(spec for endpoints, spec in wanted.items() if endpoints not in busy)
        self.running.update((spec, Running(Phase.OPENING, now, is_mute=spec in mute)) for spec in opened)
        speak = tuple(spec for spec in wanted.values() if self._may_speak_now(spec) and spec not in mute)
        for spec in speak:
            self.running[spec].is_mute = False
        return Moves(close=close, open=opened, speak=speak)

    def in_sync(self, spec: SessionSpec) -> None:
        """End-of-RIB went out."""
        if (session := self.running.get(spec)) and session.phase is Phase.OPENING:
            session.phase = Phase.IN_SYNC

    def ended(self, spec: SessionSpec) -> None:
        """Its ExaBGP is gone."""
        self.running.pop(spec, None)

    def _may_speak_now(self, spec: SessionSpec) -> bool:
        session = self.running.get(spec)
        return session is not None and session.is_mute and session.phase is not Phase.CLOSING

    def _closings(self, wanted: Mapping[Endpoints, SessionSpec], now: float) -> Iterator[SessionSpec]:
        """The unwanted ones, and at most one of the changed ones."""
        changed: dict[Endpoints, SessionSpec] = {}
        for spec, session in self.running.items():
            if session.phase is Phase.CLOSING or wanted.get(spec.endpoints) == spec:
                continue
            if spec.endpoints in wanted:
                changed[spec.endpoints] = spec
            else:
                yield spec
        if self._being_replaced in changed:  # it changed again before it was in sync: go on with it
            yield changed[self._being_replaced]
        elif changed and not self._replacement_under_way(wanted, now):
            self._being_replaced = next(iter(changed))
            yield changed[self._being_replaced]

    def _replacement_under_way(self, wanted: Mapping[Endpoints, SessionSpec], now: float) -> bool:
        if self._being_replaced is None or self._being_replaced not in wanted:
            return False
        session = next((r for spec, r in self.running.items() if spec.endpoints == self._being_replaced), None)
        return (
            session is None
            or session.phase is Phase.CLOSING
            or (session.phase is Phase.OPENING and now - session.since < PATIENCE_S)
        )
