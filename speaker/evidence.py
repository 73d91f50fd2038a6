"""What this node knows of itself beyond the objects: it leaves, is drained, may be sick. Pure.

Each source says at most one thing of the whole node and one of each VIP; the worst of all that concerns a VIP counts. It is
an input of the core's decisions like the objects are: they depend on what it says now, not on how it came about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bgp_config.names import IPAddress
from herald.kube.objects import ObjectKey
from speaker.reasons import Reason
from speaker.route import RouteState

Claim: TypeAlias = tuple[ObjectKey, IPAddress]
"""A Service and one of its VIPs."""


class Source(StrEnum):
    """Who knows. Of two that say equally bad things, the one that is listed first gives the reason."""

    BY_HAND = "byHand"
    DRAIN = "drain"
    HEALTH = "health"
    DATA_PATH = "dataPath"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a VIP may be announced at best, and why not better. Normal has no reason."""

    state: RouteState
    reason: Reason | None


NORMAL = Standing(RouteState.NORMAL, None)


def worst(*standings: Standing) -> Standing:
    """Of several the first of those that are worst; normal if there is none."""
    return min(standings, key=lambda standing: standing.state, default=NORMAL)


class Evidence:
    """One owner: the core. `grace`: a node that leaves is still announced from, least preferred, for a while."""

    def __init__(self) -> None:
        self.grace = False
        self._of_node: dict[Source, Standing] = {}
        self._of_vip: dict[Claim | IPAddress, dict[Source, Standing]] = {}

    def node(self, source: Source, standing: Standing | None) -> bool:
        """What the source says of the whole node from now on; None: nothing. Returns whether that is new."""
        return _put(self._of_node, source, standing)

    def vip(self, source: Source, about: Claim | IPAddress, standing: Standing | None) -> bool:
        """The same of a VIP, as one Service's or whosever it is."""
        of_it = self._of_vip.setdefault(about, {})
        is_new = _put(of_it, source, standing)
        if not of_it:
            del self._of_vip[about]
        return is_new

    @property
    def of_node(self) -> Standing:
        """What counts for every VIP."""
        return worst(*_in_order(self._of_node))

    @property
    def node_sources(self) -> frozenset[Source]:
        """Those that say something of the whole node."""
        return frozenset(self._of_node)

    def of(self, claim: Claim) -> Standing:
        """What counts for this one."""
        if not self._of_node and not self._of_vip:
            return NORMAL
        said = (self._of_node, self._of_vip.get(claim, {}), self._of_vip.get(claim[1], {}))
        return worst(*(standing for each in said for standing in _in_order(each)))


def _put(said: dict[Source, Standing], source: Source, standing: Standing | None) -> bool:
    before = said.pop(source, NORMAL)
    after = NORMAL if standing is None else standing
    if after != NORMAL:
        said[source] = after
    return before != after


def _in_order(said: dict[Source, Standing]) -> Iterator[Standing]:
    return (said[source] for source in Source if source in said)
