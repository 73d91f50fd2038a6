"""What the peers have: each session's state and the routes on its wire, as the engine reports them. No I/O.

The routers' truth, as near as we see it; nothing in here is desired.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from bgp_config.names import Prefix
from speaker.route import PathAttributes
from speaker.session import Closed, Ended, Established, InSync, Programmed, SessionEvent, SessionSpec, SessionState


@dataclass(slots=True)
class SessionRecord:
    """`since` is when `state` was entered, monotonic seconds; the last error and its time are kept until the next one.

    `updates` counts the UPDATEs that were sent; `programmed_at` is when a route last reached the wire, or left it. `error`
    are code and subcode of the NOTIFICATION of the last error.
    """

    since: float
    state: SessionState = SessionState.DOWN
    in_sync: bool = False
    last_error: str | None = None
    error: tuple[int, int] | None = None
    failed_at: float = 0.0
    failures: int = 0
    transitions: int = 0
    updates: int = 0
    hold_time_s: int | None = None
    programmed_at: float = 0.0
    on_wire: dict[Prefix, PathAttributes] = field(default_factory=dict)


class SessionTable:
    """One owner: the daemon's loop, which hands on every event of the engine. `revision` counts them."""

    def __init__(self) -> None:
        self.revision = 0
        self._records: dict[SessionSpec, SessionRecord] = {}

    @property
    def records(self) -> Mapping[SessionSpec, SessionRecord]:
        return self._records

    def apply(self, event: SessionEvent) -> set[Prefix]:
        """Notes the event; returns the prefixes that left this session's wire by it."""
        self.revision += 1
        record = self._records.setdefault(event.spec, SessionRecord(event.at))
        match event:
            case Established():
                self._enter(record, SessionState.ESTABLISHED, event.at)
                record.hold_time_s = event.hold_time_s
                return set()
            case InSync():
                record.in_sync = True
                return set()
            case Programmed():
                return self._note(record, event)
            case Closed():
                self._enter(record, SessionState.DOWN, event.at)
                record.hold_time_s = None
                record.last_error, record.error, record.failed_at = event.why, event.error, event.at
                record.failures += 1
                return self._clear(record)
            case Ended():
                return self._clear(self._records.pop(event.spec))
            case _:
                assert_never(event)

    def is_on_wire(self, prefix: Prefix) -> bool:
        """Whether any peer may still send traffic for it here."""
        return any(prefix in record.on_wire for record in self._records.values())

    @staticmethod
    def _enter(record: SessionRecord, state: SessionState, at: float) -> None:
        record.in_sync = False
        if record.state is not state:
            record.state, record.since = state, at
            record.transitions += 1

    @staticmethod
    def _note(record: SessionRecord, event: Programmed) -> set[Prefix]:
        record.updates += event.begins_update
        record.programmed_at = event.at
        if event.attributes is None:
            record.on_wire.pop(event.prefix, None)
            return {event.prefix}
        record.on_wire[event.prefix] = event.attributes
        return set()

    @staticmethod
    def _clear(record: SessionRecord) -> set[Prefix]:
        gone, record.on_wire = set(record.on_wire), {}
        return gone
