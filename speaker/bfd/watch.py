"""Which links BFD watches, what was heard of each, and which BGP sessions may be open by that. Pure; one owner.

What is asked for no more is watched for some seconds longer: a BGP session that changes, or waits for a password, shall not
take BFD down, since routers take even AdminDown for a reason to end BGP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bgp_config.config import BFDProfile, Config, Peer
from speaker.bfd.policy import History, Verdict, judge, observe
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status
from speaker.peering import Peering
from speaker.session import SessionSpec

LINGER_S: Final = 3.0


def hop_of(spec: SessionSpec) -> Hop:
    """The link of a session whose peer is one hop away."""
    return Hop(local=spec.local_address, peer=spec.peer_address)


def watched_links(peering: Peering, config: Config) -> dict[Hop, Profile]:
    """By the profiles that peers name. A profile that does not exist watches nothing; nor is a peer watched that may be
    further away than one hop (RFC 5881). Of two peers on one link the first counts.
    """
    links: dict[Hop, Profile] = {}
    for name, spec in peering.sessions.items():
        profile = _profile(peering.peers[name], config)
        if profile is not None:
            links.setdefault(hop_of(spec), profile)
    return links


def _profile(peer: Peer, config: Config) -> Profile | None:
    if peer.bfd_profile is None or peer.multihop_ttl is not None or (peer.ttl_security_hops or 1) > 1:
        return None
    profile = config.bfd_profiles.get(peer.bfd_profile)
    return _plain(profile) if profile else None


def _plain(profile: BFDProfile) -> Profile:
    return Profile(
        interval_ms=profile.interval_ms,
        multiplier=profile.multiplier,
        passive=profile.passive,
        strict=profile.strict,
    )


@dataclass(slots=True)
class _Link:
    """`left_at`: when it was asked for no more."""

    profile: Profile
    history: History
    left_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """`mute`: they may connect, but say nothing."""

    sessions: tuple[SessionSpec, ...]
    mute: frozenset[SessionSpec]


class Watch:
    """`follow` says what shall be watched, `observe` what BFD said; the rest are questions. `is_blind`: there is no BFD
    program to say anything, so that the last word stands, but not for a strict profile.
    """

    def __init__(self) -> None:
        self.is_blind = False
        self._links: dict[Hop, _Link] = {}

    def follow(self, wanted: Mapping[Hop, Profile], heard: Mapping[Hop, Status], now: float) -> Mapping[Hop, Profile]:
        """These shall be watched. Returns all that the BFD program shall keep; `heard` is what it said of them before."""
        for hop, profile in wanted.items():
            link = self._links.setdefault(hop, _Link(profile, _begin(heard.get(hop))))
            link.profile, link.left_at = profile, None
        for hop in self._links.keys() - wanted.keys():
            link = self._links[hop]
            link.left_at = now if link.left_at is None else link.left_at
            if now - link.left_at >= LINGER_S:
                del self._links[hop]
        return {hop: link.profile for hop, link in self._links.items()}

    @property
    def lingers(self) -> bool:
        """Whether `follow` has something to do although nothing else is wanted."""
        return any(link.left_at is not None for link in self._links.values())

    def observe(self, status: Status) -> None:
        if link := self._links.get(status.hop):
            link.history = observe(link.history, status)

    def verdict(self, hop: Hop, now: float) -> Verdict | None:
        """None: BFD has no say in this link's BGP session."""
        link = self._links.get(hop)
        if link is None or link.left_at is not None:
            return None
        return judge(History() if self.is_blind and link.profile.strict else link.history, link.profile, now)

    def verdicts(self, now: float) -> Mapping[Hop, Verdict]:
        return {hop: verdict for hop in self._links if (verdict := self.verdict(hop, now))}

    def permitted(self, sessions: Iterable[SessionSpec], now: float) -> Permitted:
        """Those that may be open, and which of them may say nothing."""
        judged = [(spec, self.verdict(hop_of(spec), now)) for spec in sessions]
        return Permitted(
            sessions=tuple(spec for spec, verdict in judged if verdict is None or verdict.may_connect),
            mute=frozenset(spec for spec, verdict in judged if verdict and not verdict.may_announce),
        )

    def review_at(self, now: float) -> float | None:
        """When verdicts may change by themselves next."""
        times = (verdict.review_at for verdict in self.verdicts(now).values())
        return min((time for time in times if time is not None), default=None)


def _begin(status: Status | None) -> History:
    return observe(History(), status) if status else History()
