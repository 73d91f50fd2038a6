"""All sessions: which are wanted, whose a received packet is, what is due. No I/O but through the transmitters it is given.

Invariants: a packet changes nothing unless its TTL is 255 (RFC 5881, section 5) and its addresses are those of the session
that it claims to be for; no two sessions have one discriminator; a session that is wanted no more says AdminDown for a
detection time (RFC 5880, section 6.8.16) before it is gone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from bgp_config.names import IPAddress
from speaker.bfd.packet import Discard, Packet, decode, encode
from speaker.bfd.profile import Profile
from speaker.bfd.session import SLOW_US, US, Changed, Effect, Send, Session
from speaker.bfd.status import Hop, Status

TTL = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """As received. `interface`: the device that it came in by."""

    source: IPAddress
    destination: IPAddress
    interface: str
    ttl: int
    payload: bytes


class Transmitter(Protocol):
    """Sends to the peer of one hop. An error is its own to report: for the session the packet is lost."""

    def send(self, payload: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Entry:
    """`ends`: it is wanted no more and is gone then."""

    session: Session
    transmitter: Transmitter
    ends: float | None = None


class Sessions:
    """One owner: the program's loop. `changed` is told of every change of a session's state."""

    def __init__(
        self, *, random: Random, transmitter: Callable[[Hop], Transmitter], changed: Callable[[Status], None]
    ) -> None:
        self._random = random
        self._open = transmitter
        self._changed = changed
        self._entries: dict[Hop, _Entry] = {}
        self._by_discr: dict[int, Hop] = {}

    @property
    def deadline(self) -> float | None:
        """When `advance` has something to do next."""
        deadlines = (time for e in self._entries.values() for time in (e.session.deadline, e.ends) if time is not None)
        return min(deadlines, default=None)

    def statuses(self) -> list[Status]:
        """Of the sessions that are wanted."""
        return [_status(hop, entry.session) for hop, entry in self._entries.items() if entry.ends is None]

    def want(self, wanted: Mapping[Hop, Profile], now: float) -> None:
        """From now on these and no others. A session that goes on is not disturbed."""
        for hop, profile in wanted.items():
            entry = self._entries.get(hop)
            if entry is None:
                self._add(hop, profile, now)
            elif entry.ends is not None or entry.session.profile != profile:
                entry.ends = None
                self._do(hop, entry, entry.session.configure(profile, now))
        for hop in self._entries.keys() - wanted.keys():
            self._dismiss(hop, now)

    def disable_all(self, now: float) -> None:
        """The program ends: every peer is told so, once."""
        self.want({}, now)
        self.advance(now)

    def receive(self, datagram: Datagram, now: float) -> Discard | None:
        """Why the datagram was of no use, if so."""
        packet = Discard.TTL if datagram.ttl != TTL else decode(datagram.payload)
        if isinstance(packet, Discard):
            return packet
        hop = self._hop_of(packet, datagram)
        if isinstance(hop, Discard):
            return hop
        entry = self._entries[hop]
        self._do(hop, entry, entry.session.receive(packet, now))
        return None

    def advance(self, now: float) -> None:
        """Does what is due. Everything that had arrived by `now` has been given to `receive` before."""
        for hop, entry in list(self._entries.items()):
            self._do(hop, entry, entry.session.advance(now))
            if entry.ends is not None and now >= entry.ends:
                self._remove(hop)

    def _add(self, hop: Hop, profile: Profile, now: float) -> None:
        discr = next(discr for discr in self._discriminators() if discr not in self._by_discr)
        session = Session(profile=profile, local_discr=discr, random=self._random, now=now)
        self._by_discr[discr] = hop
        self._entries[hop] = _Entry(session=session, transmitter=self._open(hop))

    def _discriminators(self) -> Iterator[int]:
        """Random, so that nobody who does not see a packet can write one (RFC 5880, section 10); never 0."""
        while True:
            yield self._random.randrange(1, 2**32)

    def _dismiss(self, hop: Hop, now: float) -> None:
        entry = self._entries[hop]
        if entry.ends is not None:
            return
        if entry.session.remote_discr == 0:
            self._remove(hop)  # nobody listens
            return
        entry.ends = now + entry.session.profile.multiplier * SLOW_US / US
        self._do(hop, entry, entry.session.disable(now))

    def _remove(self, hop: Hop) -> None:
        entry = self._entries.pop(hop)
        del self._by_discr[entry.session.local_discr]
        entry.transmitter.close()

    def _hop_of(self, packet: Packet, datagram: Datagram) -> Hop | Discard:
        """By Your Discriminator; where the peer does not know ours yet, by addresses (RFC 5880, section 6.3)."""
        came_by = Hop(local=datagram.destination, peer=datagram.source, interface=datagram.interface or None)
        if packet.your_discriminator == 0:
            anywhere = replace(came_by, interface=None)
            return next((hop for hop in (came_by, anywhere) if hop in self._entries), Discard.NO_SESSION)
        hop = self._by_discr.get(packet.your_discriminator)
        if hop is None:
            return Discard.NO_SESSION
        same = (hop.local, hop.peer) == (came_by.local, came_by.peer) and hop.interface in {None, came_by.interface}
        return hop if same else Discard.ADDRESS

    def _do(self, hop: Hop, entry: _Entry, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(packet):
                    entry.transmitter.send(encode(packet))
                case Changed() if entry.ends is None:
                    self._changed(_status(hop, entry.session))


def _status(hop: Hop, session: Session) -> Status:
    return Status(
        hop=hop,
        state=session.state,
        diag=session.local_diag,
        remote_state=session.remote_state,
        remote_diag=session.remote_diag,
        since=session.since,
        detection_time_s=session.detection_time_us / US,
        peer_detection_time_s=session.peer_detection_time_us / US,
        was_up=session.was_up,
    )
