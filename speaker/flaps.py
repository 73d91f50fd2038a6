"""The hold-down of VIPs whose local endpoints come and go: withdrawn at once, announced again ever later. Pure.

It decides when, never whether, and only while another node serves. Each withdrawal for want of an endpoint raises the VIP's
level on this node, each quiet minute lowers it; one whose endpoint ended as planned, terminating first, does not count:
a rolling update is no flap. What becomes ready again waits as its level says, and must stay ready
meanwhile. The history is bounded: what is quiet for long enough is forgotten. What is held is an input of the core's
decisions.
"""

from collections.abc import Iterable

from speaker.core import Core
from speaker.evidence import Claim
from speaker.hold_down import HoldDown
from speaker.reasons import Reason
from speaker.transition import Transition
from speaker.witness import Witness

ENDPOINT_REASONS = frozenset({Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT})


class Flaps(Witness):
    """One owner: the daemon's loop."""

    def __init__(self) -> None:
        self._announced: dict[Claim, Reason | None] = {}
        self._hold_down: HoldDown[Claim] = HoldDown()
        self._due: dict[Claim, float] = {}

    def testify(self, core: Core, now: float) -> None:
        core.let_go(self.release(now))

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        core.hold(self.note(transitions, now))

    def note(self, transitions: Iterable[Transition], now: float) -> list[Claim]:
        """Returns what is to be held from now on: the next announcement of it waits."""
        held: list[Claim] = []
        for change in transitions:
            if change.vip is None:
                continue
            claim = (change.service, change.vip)
            self._due.pop(claim, None)
            if change.reason is Reason.FLAPPING:
                self._due[claim] = now + self._hold_down.hold_s(claim, now)
            elif change.state.is_announced:
                self._announced[claim] = change.reason
            elif claim in self._announced:
                was_planned = self._announced.pop(claim) is Reason.TERMINATING
                if change.reason in ENDPOINT_REASONS and not was_planned and self._withdrawn(claim, now):
                    held.append(claim)
        return held

    def release(self, now: float) -> list[Claim]:
        """What has waited long enough. What has been quiet for long enough is forgotten, every now and then."""
        self._hold_down.forget_quiet(now)
        due = [claim for claim, at in self._due.items() if at <= now]
        for claim in due:
            del self._due[claim]
        return due

    @property
    def hold_down(self) -> HoldDown[Claim]:
        return self._hold_down

    @property
    def size(self) -> int:
        """How many VIPs have a history."""
        return self._hold_down.size

    def _withdrawn(self, claim: Claim, now: float) -> bool:
        """Whether its next announcement waits."""
        self._hold_down.fell(claim, now)
        return self._hold_down.hold_s(claim, now) > 0
