"""What people see of BFD: how it is on each peer's link, and what is wrong with it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bgp_config.names import PeerName
from bgp_config.status.session import BFDState, SessionBFD
from speaker.bfd.packet import Diag, State
from speaker.bfd.policy import Standing, Verdict
from speaker.bfd.status import Status
from speaker.reasons import PeerReason

PROGRAM_MISSING: Final = "bfdProgramMissing"
REASONS: Final = {
    Standing.DOWN: PeerReason.BFD_DOWN,
    Standing.AWAITED: PeerReason.BFD_AWAITED,
    Standing.HELD_DOWN: PeerReason.BFD_HELD_DOWN,
}
STATES: Final = {
    State.ADMIN_DOWN: BFDState.ADMIN_DOWN,
    State.DOWN: BFDState.DOWN,
    State.INIT: BFDState.INIT,
    State.UP: BFDState.UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How BFD is on one peer's link. `status` None: the program has not told yet; `changes`: how often its state changed."""

    verdict: Verdict
    status: Status | None
    changes: int

    @property
    def reason(self) -> PeerReason | None:
        """Why the peer has no BGP session, or one without routes, if that is so because of BFD."""
        return REASONS.get(self.verdict.standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class BfdReport:
    """Of each peer that is watched. `program_missing`: there should be a BFD program on this node, and there is none."""

    peers: Mapping[PeerName, Account] = field(default_factory=dict)
    program_missing: bool = False

    def errors(self) -> Iterator[tuple[str, str, str]]:
        """About what, the reason, the remedy."""
        if self.program_missing:
            yield (
                "BFD",
                PROGRAM_MISSING,
                "`herald bfd` does not run on this node: BGP goes on without it",
            )
        for peer, account in sorted(self.peers.items()):
            if account.reason:
                yield f"BGPPeer/{peer}", account.reason.value, account.reason.remedy


def session_bfd(account: Account, since: datetime | None) -> SessionBFD:
    """`since` is when the state of its status was entered."""
    status = account.status
    reason = account.reason.value if account.reason else None
    if status is None:
        return SessionBFD(state=BFDState.UNKNOWN, reason=reason)
    admin_down = State.ADMIN_DOWN in {status.state, status.remote_state}
    return SessionBFD(
        state=BFDState.ADMIN_DOWN if admin_down else STATES[status.state],
        since=since,
        diagnostic=_diagnostic(status.diag),
        detection_time_milliseconds=round(status.detection_time_s * 1000) or None,
        reason=reason,
    )


def _diagnostic(number: int) -> str | None:
    """By its name in RFC 5880, in one word."""
    if number == Diag.NONE:
        return None
    known = number in set(Diag)
    return "".join(part.capitalize() for part in Diag(number).name.split("_")) if known else str(number)
