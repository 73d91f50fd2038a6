"""What was really done and when, and what each route and session must be for it. Pure.

A fault is known with four times, since doing it takes a while: nothing is required of what it covers from before it is done,
and nothing is forbidden until it is done; likewise when it is undone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import Self

from herald.lab.chaos.faults import DRAIN_S, EFFECTS, NOISE_S, Effect, Fault, FaultKind, Place

HOLD_DOWN_S = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""How long an endpoint that failed so often within FLAP_MEMORY_S is not announced after it is well again."""
FLAP_MEMORY_S = 480.0
BFD_FAILURES, BFD_WINDOW_S, BFD_HOLD_DOWN_S = 2, 90.0, 60.0
"""A session whose BFD failed three times within a minute is held down for one. A fault may be more than one failure: FRR
begins BFD anew when the first BGP session with a neighbor is up, and does so to its own side too.
"""
MEMORY_S = 600.0
"""Older faults concern nobody."""


class Stand(Enum):
    """What a route must be. ANY: either is right for now."""

    REQUIRED = "required"
    FORBIDDEN = "forbidden"
    ANY = "any"


class Step(Enum):
    """How far a drain is."""

    LEAST_PREFERRED = "least preferred"
    WITHDRAWN = "withdrawn"


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
        """From when on all must be as if it had never happened."""
        return self.over + self.effect.back_s + NOISE_S

    @property
    def heard_by(self) -> float:
        """From when on the ToR hears everything, at the latest."""
        return min(self.begun + self.effect.deaf_s, self.over + self.effect.back_s)

    def meets(self, other: "Happened") -> bool:
        """Whether one began before the other was settled."""
        return self.begun <= other.settled and other.begun <= self.settled


@dataclass(frozen=True, slots=True)
class History:
    """`graceful`: the ToRs that keep the routes of a session that was lost, for a while."""

    happened: tuple[Happened, ...] = ()
    graceful: frozenset[str] = frozenset()

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

    def at(self, place: Place) -> Self:
        """Only what covers this place."""
        return replace(self, happened=tuple(each for each in self.happened if each.fault.place.covers(place)))

    def stand(self, place: Place, now: float) -> Stand:
        """What the route of this place must be now."""
        here = self.at(place)
        blocking = [h for h in here.happened if h.effect.blocks and h.done <= now < h.undoing]
        if any(now > here.gone_by(h) for h in blocking):
            return Stand.FORBIDDEN
        if all(now > here.back_by(h) for h in here.happened if h.effect.disturbs and not here.keeps(h, place)):
            return Stand.REQUIRED
        return Stand.ANY

    def drain_step(self, place: Place, now: float) -> Step | None:
        """How far a drain must be there; None where there is none, on the way, or when something else happens too."""
        here = self.at(place).happened
        for h in here:
            others = (other for other in here if other is not h and other.effect.disturbs)
            if h.fault.kind is FaultKind.DRAIN and not any(h.meets(other) for other in others):
                if h.done + 1 + NOISE_S < now < h.begun + DRAIN_S:
                    return Step.LEAST_PREFERRED
                if h.done + h.effect.gone_s + NOISE_S < now < h.undoing:
                    return Step.WITHDRAWN
        return None

    def gone_by(self, blocking: Happened) -> float:
        """Later if the ToR heard of nothing meanwhile."""
        deaf = (h.heard_by for h in self.happened if h is not blocking and h.settled > blocking.begun)
        return max((blocking.done, *deaf)) + blocking.effect.gone_s + NOISE_S

    def back_by(self, h: Happened) -> float:
        """Later for what failed again and again."""
        if h.fault.kind is FaultKind.ENDPOINT_FLAP:
            same = (other for other in self.happened if other.fault.kind is h.fault.kind and other.begun <= h.begun)
            recent = sum(1 for other in same if h.over - other.begun < FLAP_MEMORY_S)
            return h.settled + HOLD_DOWN_S[min(recent, len(HOLD_DOWN_S) - 1)]
        failures = (other.begun for other in self.happened if other.effect.fails_bfd and other.begun <= h.begun)
        often = sum(1 for begun in failures if h.begun - begun < BFD_WINDOW_S) >= BFD_FAILURES
        return h.settled + (BFD_HOLD_DOWN_S if h.effect.fails_bfd and often else 0)

    def keeps(self, h: Happened, place: Place) -> bool:
        """Whether the ToR keeps its routes through this: it restarts gracefully, and all else is well."""
        others = (other for other in self.happened if other is not h and other.effect.disturbs)
        return h.effect.kept and place.tor in self.graceful and not any(h.meets(other) for other in others)

    def may_linger(self, tor: str, node: str, now: float) -> bool:
        """Whether a Service that comes and goes may have its route there, also since the ToR has not heard of its end."""
        here = self.at(Place(tor=tor, node=node)).happened
        return any(now <= self._forgotten_by(h, here) for h in self.happened if h.fault.kind is FaultKind.SERVICE)

    @staticmethod
    def _forgotten_by(service: Happened, here: tuple[Happened, ...]) -> float:
        return max((service.settled, *(h.heard_by + 1 + NOISE_S for h in here if h.settled > service.undoing)))

    def may_reset(self, tor: str, node: str, since: float, now: float) -> bool:
        """Whether the session between the two may have ended at any time since then.

        One that was held down too, after that: FRR begins BFD anew with the first session after its start.
        """
        here = self.at(Place(tor=tor, node=node))
        return any(h.effect.resets and h.begun <= now and here.back_by(h) >= since for h in here.happened)
