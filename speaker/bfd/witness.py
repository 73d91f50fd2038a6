"""The daemon's part of BFD: says what shall be watched, and keeps BGP sessions closed or mute by its word.

BFD goes on without the speaker: nothing is said before this node's sessions are known, nor at the end of the speaker. And
BGP goes on without BFD: while the program does not run the last word stands, and where there is none BGP is open, unless
the profile is strict.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from herald.program.logs import fields
from speaker.bfd.client import BfdClient
from speaker.bfd.messages import SOCKET_NAME
from speaker.bfd.policy import MUTE, Standing
from speaker.bfd.report import Account, BfdReport
from speaker.bfd.status import Hop, Status
from speaker.bfd.watch import Permitted, Watch, hop_of, watched_links
from speaker.core import Core
from speaker.peering import Peering
from speaker.session import SessionSpec
from speaker.transition import Transition
from speaker.witness import Witness

log = logging.getLogger(__name__)

SETTLE_S: Final = 5.0
"""So long after the start a peer may lack what its session needs, such as a Secret, before its BFD session ends for that."""
ABSENT_S: Final = 2.0
"""A program that is away for so long is missing: a restart of it is shorter."""


class BfdWitness(Witness):
    """One owner: the daemon's loop. `wake` makes the loop turn; `on_change` is told when people would see another state."""

    def __init__(self, runtime_dir: Path, wake: Callable[[], None]) -> None:
        self.client = BfdClient(runtime_dir / SOCKET_NAME, self._heard)
        self._watch = Watch()
        self._wake = wake
        self.on_change: Callable[[], None] = lambda: None
        self._peering: Peering | None = None
        self._begun_at: float | None = None
        self._has_said = False
        self._standings: dict[Hop, Standing] = {}
        self._changes: dict[Hop, int] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        """Which sessions there are may have changed."""
        del transitions
        if not core.cluster.synced:
            return
        self._watch.is_blind = self.client.absent_s(now) > ABSENT_S
        if core.peering is not self._peering or self._watch.lingers or not self._has_said:
            self._follow(core, now)
        self._tell(now)
        self._set_alarm(now)

    def permitted(self, sessions: Iterable[SessionSpec], now: float) -> Permitted:
        """Which sessions may be open now."""
        return self._watch.permitted(sessions, now)

    def report(self, peering: Peering, now: float) -> BfdReport:
        """Of each peer that is watched."""
        verdicts = self._watch.verdicts(now)
        hops = {peer: hop_of(spec) for peer, spec in peering.sessions.items()}
        peers = {
            peer: Account(verdict=verdicts[hop], status=self.client.statuses.get(hop), changes=self._changes.get(hop, 0))
            for peer, hop in hops.items()
            if hop in verdicts
        }
        return BfdReport(peers=peers, program_missing=bool(peers) and self._watch.is_blind)

    def _follow(self, core: Core, now: float) -> None:
        links = watched_links(core.peering, core.cluster.config)
        wanted = self._watch.follow(links, self.client.statuses, now)
        self._peering = core.peering
        self._begun_at = now if self._begun_at is None else self._begun_at
        if self._has_said or now - self._begun_at >= SETTLE_S or not _lacks(core):
            self._has_said = True
            self._changes = {hop: changes for hop, changes in self._changes.items() if hop in wanted}
            self.client.want(wanted)

    def _heard(self, status: Status) -> None:
        self._changes[status.hop] = self._changes.get(status.hop, -1) + 1
        self._watch.observe(status)
        self._wake()
        self.on_change()

    def _tell(self, now: float) -> None:
        """In the log, what has become another."""
        standings = {hop: verdict.standing for hop, verdict in self._watch.verdicts(now).items()}
        for hop, standing in standings.items():
            if self._standings.get(hop, Standing.UNKNOWN) is not standing:
                level = logging.WARNING if standing in MUTE or standing is Standing.FAILING else logging.INFO
                log.log(level, "BFD of a session", extra=fields(session=hop, standing=standing))
        if standings != self._standings:
            self._standings = standings
            self.on_change()

    def _set_alarm(self, now: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        review_at = self._watch.review_at(now)
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(review_at - now, self._wake) if review_at is not None else None


def _lacks(core: Core) -> bool:
    """Whether a peer that shall be watched has no session yet."""
    return any(peer.bfd_profile is not None and peer.name in core.peering.refused for peer in core.peers())
