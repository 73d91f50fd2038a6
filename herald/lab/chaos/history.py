"""What was really done and when, and what each route and session must be for it. Pure.

A fault is known with four times, since doing it takes a while: nothing is required of what it covers from before it is done,
and nothing is forbidden until it is done; likewise when it is undone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import Self

from herald.lab.chaos.faults import EFFECTS, NOISE_S, Effect, Fault, FaultKind, Place

HOLD_DOWN_S = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""How long an endpoint that failed so often within FLAP_MEMORY_S is not announced after it is well again."""
FLAP_MEMORY_S = 480.0
MEMORY_S = 600.0
"""Older faults concern nobody."""


class Stand(Enum):
    """What a route must be. ANY: either is right for now."""

    REQUIRED = "required"
    FORBIDDEN = "forbidden"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """`begun` to `done`: it was being done; `undoing` to `over`: it was being undone. Infinite: not yet."""

    fault: Fault
    begun: float
    done: float = inf
    undoing: float = inf
    over: float = inf

    @property
    def effect(self) -> Effect:
        return EFFECTS[self.fault.kind]

    @property
    def settled(self) -> float:
        """From when on all must be as if it had never happened. A session that it may end may do so as late as `deaf_s`."""
        return max(self.over, self.begun + self.effect.deaf_s) + self.effect.back_s + NOISE_S


@dataclass(frozen=True, slots=True)
class History:
    happened: tuple[Happened, ...] = ()

    def begin(self, fault: Fault, now: float) -> Self:
        """What is long over is forgotten."""
        kept = (each for each in self.happened if each.over > now - MEMORY_S)
        return replace(self, happened=(*kept, Happened(fault=fault, begun=now)))

    def done(self, fault: Fault, now: float) -> Self:
        return self._changed(fault, lambda h: replace(h, done=now))

    def undoing(self, fault: Fault, now: float) -> Self:
        return self._changed(fault, lambda h: replace(h, undoing=now))

    def over(self, fault: Fault, now: float) -> Self:
        return self._changed(fault, lambda h: replace(h, over=now))

    def _changed(self, fault: Fault, change: Callable[[Happened], Happened]) -> Self:
        return replace(self, happened=tuple(change(h) if h.fault == fault else h for h in self.happened))

    def at(self, place: Place) -> "History":
        """Only what covers this place."""
        return History(tuple(each for each in self.happened if each.fault.place.covers(place)))

    def stand(self, place: Place, now: float) -> Stand:
        """What the route of this place must be now."""
        here = self.at(place).happened
        blocking = [h for h in here if h.effect.blocks and h.done <= now < h.undoing]
        if any(now > self._gone_by(h, here) for h in blocking):
            return Stand.FORBIDDEN
        if all(now > self._back_by(h) for h in here if h.effect.disturbs):
            return Stand.REQUIRED
        return Stand.ANY

    def services_change(self, now: float) -> bool:
        """Whether a Service comes or goes, or did so just now: its address may be routed or not."""
        return any(h.fault.kind is FaultKind.SERVICE and now < h.settled for h in self.happened)

    def may_reset(self, tor: str, node: str, since: float, now: float) -> bool:
        """Whether the session between the two may have ended at any time since then."""
        return any(
            h.effect.resets and h.begun <= now and h.settled >= since
            for h in self.happened
            if _meets(h.fault.place, tor, node)
        )

    @staticmethod
    def _gone_by(blocking: Happened, here: Iterable[Happened]) -> float:
        """Later if the ToR heard of nothing meanwhile."""
        others = (h for h in here if h is not blocking and h.settled > blocking.begun)
        deaf = (h.begun + h.effect.deaf_s for h in others)
        return max((blocking.done, *deaf)) + blocking.effect.gone_s + NOISE_S

    def _back_by(self, h: Happened) -> float:
        if h.fault.kind is not FaultKind.ENDPOINT_FLAP:
            return h.settled
        recent = sum(1 for other in self.happened if _same_flap(other, h) and h.over - other.begun < FLAP_MEMORY_S)
        return h.settled + HOLD_DOWN_S[min(recent, len(HOLD_DOWN_S) - 1)]


def _same_flap(one: Happened, other: Happened) -> bool:
    return one.fault.kind is other.fault.kind and one.fault.place == other.fault.place and one.begun <= other.begun


def _meets(place: Place, tor: str, node: str) -> bool:
    return place.tor in {tor, None} and place.node in {node, None}
