"""What BFD's word means for a BGP session: whether it may be open, and when that must be asked again. Pure.

Rules, in this order:
- Only evidence closes a session: while there is no BFD program to ask, all stays as it was. A program that has just started
  is none: its sessions are Down because they are new.
- Down by failure: BGP is closed one detection time later, when the peer must have seen the failure too, so that it does not
  take the end of the TCP connection for a graceful restart and keep our routes (RFC 5882, section 4.3; RFC 4724).
- Once BFD was up, routes return only with BFD up. Till then BGP may connect and says nothing: a router that makes neighbors
  as they come begins BFD only with their BGP session, and each would wait for the other.
- `strict`: BGP does not connect before BFD is up, from the start (RFC 5882, section 10.3).
- The peer says AdminDown: BFD is not in use on purpose, which is no failure (RFC 5882, section 3.2). BGP is open.
- Three failures in a minute: BGP stays closed for a minute after the last one, whatever BFD says.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Status

FLAPS = 3
FLAP_WINDOW_S = 60.0
HOLD_DOWN_S = 60.0


class Standing(StrEnum):
    """Why BGP may be open or not."""

    UP = "BFDUp"
    UNKNOWN = "BFDUnknown"
    NOT_IN_USE = "BFDNotInUse"
    FAILING = "BFDFailing"
    DOWN = "BFDDown"
    AWAITED = "BFDAwaited"
    HELD_DOWN = "BFDHeldDown"


CLOSED = frozenset({Standing.AWAITED, Standing.HELD_DOWN})
MUTE = frozenset({*CLOSED, Standing.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`review_at`: when to ask again even if BFD says nothing new (monotonic)."""

    standing: Standing
    review_at: float | None = None

    @property
    def may_connect(self) -> bool:
        """False: there shall be no session at all."""
        return self.standing not in CLOSED

    @property
    def may_announce(self) -> bool:
        """False: a session that has announced anything has to be closed."""
        return self.standing not in MUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is remembered of one peer's BFD. `failures`: when the last ones were, FLAPS at most.

    `closes_at`: the last failure becomes a reason then; `held_until`: that of flapping ends then.
    """

    state: State | None = None
    remote_state: State | None = None
    was_up: bool = False
    failures: tuple[float, ...] = ()
    closes_at: float = 0.0
    held_until: float = 0.0


def observe(history: History, status: Status) -> History:
    """BFD said something. Leaving Up is a failure unless the peer did it on purpose, or it is a new program that says so."""
    seen = replace(history, state=status.state, remote_state=status.remote_state, was_up=status.was_up)
    failed = history.state is State.UP and status.state is not State.UP and status.was_up
    return _failed(seen, status) if failed else seen


def judge(history: History, profile: Profile, now: float) -> Verdict:
    """Of the same history, profile and time always the same."""
    if now < history.closes_at:
        return Verdict(standing=Standing.FAILING, review_at=history.closes_at)
    if now < history.held_until:
        return Verdict(standing=Standing.HELD_DOWN, review_at=history.held_until)
    if history.state is State.UP:
        return Verdict(standing=Standing.UP)
    if history.remote_state is State.ADMIN_DOWN:
        return Verdict(standing=Standing.NOT_IN_USE)
    if profile.strict:
        return Verdict(standing=Standing.AWAITED)
    return Verdict(standing=Standing.DOWN if history.was_up else Standing.UNKNOWN)


def _failed(history: History, status: Status) -> History:
    at = status.since
    failures = (*history.failures, at)[-FLAPS:]
    flapping = len(failures) == FLAPS and at - failures[0] <= FLAP_WINDOW_S
    # A session that is held down is closed already: another failure must not open it for a moment.
    closes_at = at if at < history.held_until else at + status.peer_detection_time_s
    held_until = at + HOLD_DOWN_S if flapping else history.held_until
    return replace(history, failures=failures, closes_at=closes_at, held_until=held_until)
