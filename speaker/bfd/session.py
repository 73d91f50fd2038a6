"""One BFD session: the state machine and the timers of RFC 5880, section 6, asynchronous mode, single hop. Pure.

Time comes in with every call (seconds, monotonic), packets and state changes come out as effects, `deadline` tells when to
call `advance` next. Fields have the names of section 6.8.1. Invariants: not Up means desired_min_tx_us >= 1 s; a packet
never has Poll and Final both; the transmit interval never grows, and the detection time never shrinks, before the peer has
answered the poll sequence that announces it (6.8.3).
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import TypeAlias

from speaker.bfd.packet import Diag, Packet, State
from speaker.bfd.profile import Profile

SLOW_US = 1_000_000
"""The least transmit interval of a session that is not Up (section 6.8.3)."""
US = 1_000_000


@dataclass(frozen=True, slots=True)
class Send:
    """To the peer, now."""

    packet: Packet


@dataclass(frozen=True, slots=True)
class Changed:
    """The session's state has changed, or the peer has said or taken back AdminDown; `session` says how it is now."""

    previous: State


Effect: TypeAlias = Send | Changed


class Poll(Enum):
    """The poll sequence (section 6.5). AGAIN: the values have changed once more since it began, so another must follow."""

    NONE = auto()
    IN_PROGRESS = auto()
    AGAIN = auto()


@dataclass(slots=True, kw_only=True)
class Session:
    """Starts Down and sends its first packet at once, at time `now`. `random` is for the jitter."""

    profile: Profile
    local_discr: int
    random: Random
    now: float

    state: State = State.DOWN
    local_diag: Diag = Diag.NONE
    since: float = field(init=False)
    was_up: bool = False
    """It has been Up since it began, or since the peer last said AdminDown."""
    remote_state: State = State.DOWN
    remote_diag: int = Diag.NONE
    remote_discr: int = 0
    remote_min_rx_us: int = 1
    remote_desired_min_tx_us: int = 0
    remote_detect_mult: int = 0
    remote_demand: bool = False
    desired_min_tx_us: int = field(init=False)
    required_min_rx_us: int = field(init=False)
    poll: Poll = Poll.NONE
    peer_detection_time_us: int = field(init=False)
    """How long the peer waits for us; of the time when the session was last Up."""

    _tx_us: int = field(init=False)
    """The desired_min_tx_us that transmission follows now."""
    _rx_us: int = field(init=False)
    """The required_min_rx_us that detection follows now."""
    _scheduled_us: int = 0
    _last_tx: float = field(init=False)
    _next_tx: float = field(init=False)
    _heard: float = field(init=False)

    def __post_init__(self) -> None:
        self.since = self._last_tx = self._next_tx = self._heard = self.now
        self.desired_min_tx_us = self._tx_us = max(SLOW_US, self.profile.interval_us)
        self.required_min_rx_us = self._rx_us = self.profile.interval_us
        self.peer_detection_time_us = self.profile.multiplier * self.profile.interval_us

    @property
    def transmit_interval_us(self) -> int:
        """Before jitter (section 6.8.2)."""
        return max(self._tx_us, self.remote_min_rx_us)

    @property
    def detection_time_us(self) -> int:
        """How long the peer may be silent (section 6.8.4); 0 as long as it never spoke."""
        return self.remote_detect_mult * max(self._rx_us, self.remote_desired_min_tx_us)

    @property
    def deadline(self) -> float | None:
        """When `advance` has something to do next; None: only a packet can bring that about."""
        times = [self._next_tx] if self._transmits else []
        if self.remote_discr:
            times.append(self._expires)
        return min(times, default=None)

    def advance(self, now: float) -> list[Effect]:
        """Does what is due. What has arrived by now must have been received before: a late reader is no dead peer."""
        effects: list[Effect] = []
        if self.remote_discr and now >= self._expires:
            effects += self._expire(now)
        if self._transmits and now >= self._next_tx:
            effects.append(Send(self._packet(poll=self.poll is not Poll.NONE)))
            self._last_tx = now
            self._schedule()
        return effects

    def receive(self, packet: Packet, now: float) -> list[Effect]:
        """A packet that is this session's own (section 6.8.6, from the setting of bfd.RemoteDiscr on)."""
        self._heard = now
        before = self.state, self.remote_state is State.ADMIN_DOWN
        self.remote_discr, self.remote_state, self.remote_diag = packet.my_discriminator, packet.state, packet.diag
        self.remote_demand, self.remote_detect_mult = packet.demand, packet.detect_mult
        self.remote_min_rx_us, self.remote_desired_min_tx_us = packet.required_min_rx_us, packet.desired_min_tx_us
        if packet.final:
            self._end_poll()
        self.was_up = self.was_up and packet.state is not State.ADMIN_DOWN
        effects = [] if self.state is State.ADMIN_DOWN else self._follow(packet.state, now)
        if not effects and before != (self.state, packet.state is State.ADMIN_DOWN):
            effects.append(Changed(self.state))
        self._hasten()
        if packet.poll:
            effects.append(Send(self._packet(final=True)))
        return effects

    def configure(self, profile: Profile, now: float) -> list[Effect]:
        """The session goes on with other values; AdminDown ends (section 6.8.16)."""
        effects: list[Effect] = []
        multiplier, self.profile = self.profile.multiplier, profile
        if self.state is State.ADMIN_DOWN:
            effects += self._enter(State.DOWN, Diag.NONE, now)
        self._set_intervals()
        if multiplier != profile.multiplier:
            self._next_tx = now  # what the packet says has changed (section 6.8.7)
        self._hasten()
        return effects

    def disable(self, now: float) -> list[Effect]:
        """AdminDown: no failure, says section 3.2 of RFC 5882, but the end of the session on purpose."""
        if self.state is State.ADMIN_DOWN:
            return []
        return self._enter(State.ADMIN_DOWN, Diag.ADMINISTRATIVELY_DOWN, now)

    def _follow(self, remote: State, now: float) -> list[Effect]:
        """The state machine of section 6.8.6."""
        match self.state, remote:
            case (State.INIT | State.UP, State.ADMIN_DOWN) | (State.UP, State.DOWN):
                return self._enter(State.DOWN, Diag.NEIGHBOR_SIGNALED_DOWN, now)
            case State.DOWN, State.DOWN:
                return self._enter(State.INIT, self.local_diag, now)
            case (State.DOWN, State.INIT) | (State.INIT, State.INIT | State.UP):
                return self._enter(State.UP, Diag.NONE, now)
        return []

    def _enter(self, state: State, diag: Diag, now: float) -> list[Effect]:
        if self.state is State.UP:
            self.peer_detection_time_us = self.profile.multiplier * max(self.desired_min_tx_us, self.remote_min_rx_us)
        previous, self.state, self.local_diag, self.since = self.state, state, diag, now
        self.was_up = state is State.UP or (self.was_up and state is not State.ADMIN_DOWN)
        self._set_intervals()
        self._next_tx = now  # the peer shall know at once (section 6.8.7)
        return [Changed(previous)]

    def _expire(self, now: float) -> list[Effect]:
        """A detection time without a packet (sections 6.8.1 and 6.8.4). The peer may come back another: all is forgotten."""
        lost = self.state in {State.INIT, State.UP}
        effects = self._enter(State.DOWN, Diag.DETECTION_TIME_EXPIRED, now) if lost else []
        self.remote_discr, self.remote_min_rx_us, self.remote_demand = 0, 1, False
        self._hasten()
        return effects

    def _set_intervals(self) -> None:
        up, interval = self.state is State.UP, self.profile.interval_us
        wanted = interval if up else max(SLOW_US, interval), interval
        if not up:
            # Nothing is awaited from a peer that takes part no more: every packet says the values.
            self.poll = Poll.NONE
            self.desired_min_tx_us, self.required_min_rx_us = self._tx_us, self._rx_us = wanted
        elif wanted != (self.desired_min_tx_us, self.required_min_rx_us):
            self.poll = Poll.IN_PROGRESS if self.poll is Poll.NONE else Poll.AGAIN
            self.desired_min_tx_us, self.required_min_rx_us = wanted
            self._tx_us, self._rx_us = min(self._tx_us, wanted[0]), max(self._rx_us, wanted[1])

    def _end_poll(self) -> None:
        if self.poll is Poll.IN_PROGRESS:
            self._tx_us, self._rx_us = self.desired_min_tx_us, self.required_min_rx_us
        self.poll = Poll.IN_PROGRESS if self.poll is Poll.AGAIN else Poll.NONE

    @property
    def _transmits(self) -> bool:
        """Whether periodic packets may be sent (section 6.8.7)."""
        if self.remote_discr == 0 and self.profile.passive:
            return False
        demanded = self.remote_demand and self.state is State.UP and self.remote_state is State.UP
        return self.remote_min_rx_us != 0 and (not demanded or self.poll is not Poll.NONE)

    @property
    def _expires(self) -> float:
        return self._heard + self.detection_time_us / US

    def _hasten(self) -> None:
        """A shorter interval holds at once (section 6.8.3); a longer one from the next packet on."""
        if self.transmit_interval_us < self._scheduled_us:
            due = self._next_tx
            self._schedule()
            self._next_tx = min(due, self._next_tx)

    def _schedule(self) -> None:
        """Earlier than the interval by up to a quarter, so that sessions do not fall into step (section 6.8.7)."""
        self._scheduled_us = self.transmit_interval_us
        most = 0.90 if self.profile.multiplier == 1 else 1.0
        self._next_tx = self._last_tx + self._scheduled_us / US * self.random.uniform(0.75, most)

    def _packet(self, *, poll: bool = False, final: bool = False) -> Packet:
        return Packet(
            state=self.state,
            diag=self.local_diag,
            poll=poll,
            final=final,
            control_plane_independent=True,
            detect_mult=self.profile.multiplier,
            my_discriminator=self.local_discr,
            your_discriminator=self.remote_discr,
            desired_min_tx_us=self.desired_min_tx_us,
            required_min_rx_us=self.required_min_rx_us,
        )
