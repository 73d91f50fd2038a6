"""What can be done to whom, and the bounds that Herald promises for it. Pure.

A bound is what the documents say plus NOISE_S, since the machine that runs all of a lab is slower than any of its parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NOISE_S = 2.0
HOLD_TIME_S = 9.0
"""As the lab's peers have it."""
DEAD_MAN_S = 11.0
"""A speaker that hangs: its sessions end after this."""
DETECTION_S = 1.0
"""BFD at 3 x 300 ms."""
SYNC_TIMEOUT_S = 10
"""A speaker that starts while the API server or the folder is away waits for so long."""
LEASE_S = 15
"""A controller that starts on Kubernetes may have to wait out its predecessor's Lease."""
API_START_S = 10
"""Before that nothing can be written to it."""
RESTART_TIME_S = 20
"""How long a ToR that restarts gracefully keeps the routes of a session that was lost."""
DRAIN_S = 6
"""The drainSeconds of every Drain here."""
HELD_S = 10.0
"""For so long a deletion of configuration is held: what was drained may stay so."""


class FaultKind(StrEnum):
    ENDPOINT_FLAP = "endpoint-flap"
    LINK_CUT = "link-cut"
    SILENCE = "silence"
    SPEAKER_KILL = "speaker-kill"
    SPEAKER_STOP = "speaker-stop"
    EXABGP_KILL = "exabgp-kill"
    EXABGP_STOP = "exabgp-stop"
    BFD_KILL = "bfd-kill"
    BFD_STOP = "bfd-stop"
    CONTROLLER_KILL = "controller-kill"
    CONTROLLER_STOP = "controller-stop"
    TOR_RESTART = "tor-restart"
    SOURCE_OUTAGE = "source-outage"
    CLOCK_STEP = "clock-step"
    CONFIG_EDIT = "config-edit"
    SERVICE = "service"
    """One more Service comes, and goes."""
    DRAIN = "drain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One Service's traffic through one ToR to one node. In a fault: where it strikes, None meaning everywhere."""

    tor: str | None = None
    node: str | None = None
    service: str | None = None

    def covers(self, other: "Place") -> bool:
        mine, theirs = (self.tor, self.node, self.service), (other.tor, other.node, other.service)
        return all(one is None or one == another for one, another in zip(mine, theirs, strict=True))

    def __str__(self) -> str:
        return " ".join(part for part in (self.service, self.node, self.tor) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Begins `at` seconds after the start, is undone `for_s` later."""

    at: float
    for_s: float
    kind: FaultKind
    place: Place = Place()

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a fault of a kind means for the places that it covers. Times in seconds, the bounds of Herald's promises.

    `blocks`: nobody answers there, and the route must be gone `gone_s` after the fault began. `deaf_s`: for so long after
    its begin, at most, the ToR may hear of nothing. `disturbs`: no route need be there while it lasts, nor until `back_s`
    after its end. `resets`: the session may end, until then too. `kept`: a ToR that restarts gracefully keeps the routes.
    `fails_bfd`: BFD goes down, for which BGP waits a minute when it happens again and again.
    """

    blocks: bool = False
    gone_s: float = 0.0
    deaf_s: float = 0.0
    disturbs: bool = True
    back_s: float = 0.0
    resets: bool = True
    kept: bool = False
    fails_bfd: bool = False


NOTHING = Effect(disturbs=False, resets=False)
"""No route and no session may be other for it."""
NO_LEADER = Effect(disturbs=False, resets=False, back_s=LEASE_S + 5)
"""Nothing is assigned or granted for a while."""

EFFECTS: Mapping[FaultKind, Effect] = {
    FaultKind.ENDPOINT_FLAP: Effect(blocks=True, gone_s=1, back_s=1, resets=False),
    FaultKind.LINK_CUT: Effect(blocks=True, gone_s=1, back_s=5, fails_bfd=True),
    FaultKind.SILENCE: Effect(blocks=True, gone_s=DETECTION_S, deaf_s=DETECTION_S, back_s=5, fails_bfd=True),
    FaultKind.SPEAKER_KILL: Effect(deaf_s=1 + RESTART_TIME_S, back_s=SYNC_TIMEOUT_S + 3, kept=True),
    FaultKind.SPEAKER_STOP: Effect(deaf_s=DEAD_MAN_S + RESTART_TIME_S, back_s=10),
    FaultKind.EXABGP_KILL: Effect(deaf_s=1 + RESTART_TIME_S, back_s=5, kept=True),
    FaultKind.EXABGP_STOP: Effect(deaf_s=HOLD_TIME_S + RESTART_TIME_S, back_s=5),
    FaultKind.BFD_KILL: Effect(deaf_s=DETECTION_S, back_s=10, fails_bfd=True),
    FaultKind.BFD_STOP: Effect(deaf_s=DETECTION_S, back_s=10, fails_bfd=True),
    FaultKind.CONTROLLER_KILL: NO_LEADER,
    FaultKind.CONTROLLER_STOP: NO_LEADER,
    FaultKind.TOR_RESTART: Effect(deaf_s=5, back_s=10, fails_bfd=True),
    FaultKind.SOURCE_OUTAGE: Effect(disturbs=False, resets=False, back_s=API_START_S),
    FaultKind.CLOCK_STEP: NOTHING,
    FaultKind.CONFIG_EDIT: Effect(deaf_s=5, back_s=5),
    FaultKind.SERVICE: Effect(disturbs=False, resets=False, back_s=4),
    FaultKind.DRAIN: Effect(blocks=True, gone_s=DRAIN_S + 1, back_s=HELD_S + 1, resets=False),
}
