"""Which VIPs a prefix is announced for, and what is said of it for all of them together. Pure.

A host route has one VIP. An aggregate is there as long as one of its VIPs is announced, and is as good as the best of them.
A change costs what the VIP itself contributes, however many others an aggregate has.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from bgp_config.names import IPAddress, PeerName, Prefix
from speaker.attributes import Intent
from speaker.route import RouteState


class Contribution(NamedTuple):
    """What one VIP wants said of a prefix to a peer."""

    prefix: Prefix
    peer: PeerName
    state: RouteState
    intent: Intent


class Contributions:
    """One owner: the core."""

    def __init__(self) -> None:
        self._of_vip: dict[IPAddress, Collection[Contribution]] = {}
        self._of_prefix: dict[Prefix, Counter[Contribution]] = {}

    def set(self, vip: IPAddress, contributions: Collection[Contribution]) -> set[Prefix]:
        """From now on the VIP contributes exactly this. Returns the prefixes that may have changed by it."""
        touched: set[Prefix] = set()
        for old in self._of_vip.pop(vip, ()):
            counts = self._of_prefix[old.prefix]
            counts[old] -= 1
            if not counts[old]:
                del counts[old]
            touched.add(old.prefix)
        for new in contributions:
            self._of_prefix.setdefault(new.prefix, Counter())[new] += 1
            touched.add(new.prefix)
        if contributions:
            self._of_vip[vip] = contributions
        for prefix in touched:
            if not self._of_prefix[prefix]:
                del self._of_prefix[prefix]
        return touched

    def has(self, vip: IPAddress) -> bool:
        """Whether the VIP contributes anything."""
        return vip in self._of_vip

    def of(self, prefix: Prefix) -> Mapping[PeerName, tuple[RouteState, Intent]]:
        """What each peer shall be told of it."""
        by_peer: dict[PeerName, list[Contribution]] = {}
        for each in self._of_prefix.get(prefix, ()):
            by_peer.setdefault(each.peer, []).append(each)
        return {peer: _together(each) for peer, each in by_peer.items()}

    @property
    def prefixes(self) -> Iterable[Prefix]:
        return self._of_prefix.keys()


def _together(contributions: Collection[Contribution]) -> tuple[RouteState, Intent]:
    state = max(each.state for each in contributions)
    return state, Intent.merged([each.intent for each in contributions if each.state is state])
