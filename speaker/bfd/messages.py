"""The control protocol between speaker and BFD program as JSON lines. Pure: values in, a line out, and back.

    speaker -> program: {"type":"want","sessions":[{"local":"10.1.1.1","peer":"10.1.1.0","interval_ms":300,...}]}
    program -> speaker: {"type":"snapshot","sessions":[...],"program":{...}}    on connect, and after each want
                        {"type":"changed","session":{...}}      on each change of a session's state

`want` always says all. Every line is complete in itself. Unknown fields are ignored, so that the two may differ in version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

import msgspec

from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status

MAX_LINE = 4 * 2**20
SOCKET_NAME = "bfd.sock"
"""Below the runtime directory."""


class MessageError(ValueError):
    """The line is not what the other side says. A fault of the other side, or another program."""


class ProgramFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the program says of itself. `discards`: received packets that were of no use, by why (packet.Discard)."""

    is_real_time: bool
    is_memory_locked: bool
    discards: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All sessions that the program keeps; `program` None: it is of a version that does not tell."""

    statuses: tuple[Status, ...]
    program: ProgramFacts | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """One session is in another state."""

    status: Status


Event: TypeAlias = Snapshot | StateChange


class _Ends(msgspec.Struct, kw_only=True):
    local: str
    peer: str
    interface: str | None = None

    @property
    def hop(self) -> Hop:
        return Hop(local=ip_address(self.local), peer=ip_address(self.peer), interface=self.interface)


class _Wanted(_Ends, kw_only=True):
    interval_ms: int
    multiplier: int
    passive: bool = False


class _Want(msgspec.Struct, tag_field="type", tag="want"):
    sessions: list[_Wanted]


class _Status(_Ends, kw_only=True):
    state: str
    diag: int
    remote_state: str
    remote_diag: int
    since: float
    detection_time_s: float
    peer_detection_time_s: float
    was_up: bool = False


class _Snapshot(msgspec.Struct, tag_field="type", tag="snapshot"):
    sessions: list[_Status]
    program: ProgramFacts | None = None


class _Changed(msgspec.Struct, tag_field="type", tag="changed"):
    session: _Status


_encoder = msgspec.json.Encoder()
_want_decoder = msgspec.json.Decoder(_Want)
_event_decoder = msgspec.json.Decoder(_Snapshot | _Changed)


def encode_want(wanted: Mapping[Hop, Profile]) -> bytes:
    """A line with its end."""
    sessions = [
        _Wanted(
            local=str(hop.local),
            peer=str(hop.peer),
            interface=hop.interface,
            interval_ms=profile.interval_ms,
            multiplier=profile.multiplier,
            passive=profile.passive,
        )
        for hop, profile in wanted.items()
    ]
    return _encoder.encode(_Want(sessions)) + b"\n"


def decode_want(line: bytes) -> dict[Hop, Profile]:
    """Raises MessageError. Whether BGP is strict is not for the program to know."""
    try:
        return {
            wanted.hop: Profile(interval_ms=wanted.interval_ms, multiplier=wanted.multiplier, passive=wanted.passive)
            for wanted in _want_decoder.decode(line).sessions
        }
    except (msgspec.MsgspecError, ValueError) as error:
        raise MessageError(str(error)) from error


def encode_snapshot(statuses: Iterable[Status], program: ProgramFacts | None = None) -> bytes:
    """A line with its end."""
    return _encoder.encode(_Snapshot([_plain(status) for status in statuses], program)) + b"\n"


def encode_change(status: Status) -> bytes:
    """A line with its end."""
    return _encoder.encode(_Changed(_plain(status))) + b"\n"


def decode_event(line: bytes) -> Event:
    """Raises MessageError."""
    try:
        event = _event_decoder.decode(line)
        if isinstance(event, _Snapshot):
            return Snapshot(tuple(_typed(session) for session in event.sessions), event.program)
        return StateChange(_typed(event.session))
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise MessageError(str(error)) from error


def _plain(status: Status) -> _Status:
    return _Status(
        local=str(status.hop.local),
        peer=str(status.hop.peer),
        interface=status.hop.interface,
        state=status.state.name,
        diag=status.diag,
        remote_state=status.remote_state.name,
        remote_diag=status.remote_diag,
        since=status.since,
        detection_time_s=status.detection_time_s,
        peer_detection_time_s=status.peer_detection_time_s,
        was_up=status.was_up,
    )


def _typed(session: _Status) -> Status:
    return Status(
        hop=session.hop,
        state=State[session.state],
        diag=session.diag,
        remote_state=State[session.remote_state],
        remote_diag=session.remote_diag,
        since=session.since,
        detection_time_s=session.detection_time_s,
        peer_detection_time_s=session.peer_detection_time_s,
        was_up=session.was_up,
    )
