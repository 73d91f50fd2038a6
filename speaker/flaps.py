"""The hold-down of VIPs whose local endpoints come and go: withdrawn at once, announced again ever later. Pure.

It decides when, never whether, and only while another node serves. Each withdrawal for want of an endpoint raises the VIP's
level on this node, each quiet minute lowers it. What becomes ready again waits as its level says, and must stay ready
meanwhile. The history is bounded: what is quiet for long enough is forgotten. What is held is an input of the core's
decisions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from speaker.core import Transition
from speaker.decide import Claim
from speaker.reasons import Reason
from speaker.route import RouteState

HOLD_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""How long the first, second, ... announcement within some minutes waits."""
QUIET_S = 60.0
"""A level is lost after so long without a withdrawal."""
ENDPOINT_REASONS = frozenset({Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT})


@dataclass(slots=True)
class _History:
    """`level` is as it was at `since`, the last withdrawal, or when it was last lowered."""

    level: int
    since: float

    def at(self, now: float) -> int:
        return max(0, self.level - int((now - self.since) / QUIET_S))


class Flaps:
    """One owner: the daemon's loop, which tells it every transition and asks on every turn."""

    def __init__(self) -> None:
        self._announced: set[Claim] = set()
        self._histories: dict[Claim, _History] = {}
        self._due: dict[Claim, float] = {}
        self._forgot_at = float("-inf")

    def follow(self, transitions: Iterable[Transition], now: float) -> list[Claim]:
        """Returns what is to be held from now on: the next announcement of it waits."""
        held: list[Claim] = []
        for change in transitions:
            if change.vip is None:
                continue
            claim = (change.service, change.vip)
            self._due.pop(claim, None)
            if change.reason is Reason.FLAPPING:
                self._due[claim] = now + self._hold_s(claim, now)
            elif change.state is not RouteState.WITHDRAWN:
                self._announced.add(claim)
            elif claim in self._announced:
                self._announced.discard(claim)
                if change.reason in ENDPOINT_REASONS and self._withdrawn(claim, now):
                    held.append(claim)
        return held

    def release(self, now: float) -> list[Claim]:
        """What has waited long enough. What has been quiet for long enough is forgotten, every now and then."""
        if now - self._forgot_at >= QUIET_S:
            self._forgot_at = now
            self._forget(now)
        due = [claim for claim, at in self._due.items() if at <= now]
        for claim in due:
            del self._due[claim]
        return due

    def _forget(self, now: float) -> None:
        self._histories = {claim: history for claim, history in self._histories.items() if history.at(now)}

    @property
    def size(self) -> int:
        """How many VIPs have a history."""
        return len(self._histories)

    def _withdrawn(self, claim: Claim, now: float) -> bool:
        """Whether its next announcement waits."""
        history = self._histories.get(claim)
        level = min(history.at(now) if history else 0, len(HOLD_S) - 1) + 1
        self._histories[claim] = _History(level, now)
        return self._hold_s(claim, now) > 0

    def _hold_s(self, claim: Claim, now: float) -> float:
        history = self._histories.get(claim)
        return HOLD_S[history.at(now) - 1] if history and history.at(now) else 0.0
