"""A node that has not heard of the cluster for too long: it announces what it knows, least preferred. Pure.

So a node that others can do without loses its traffic, and when the API server is gone for all, all do the same: on the next
full EDGE_S of the wall clock after `max_stale_s` are over, so that no node is left alone with all the traffic, nor does it
get all of it when it is the first to hear again: it is normal again on a full minute. What it knows by itself (its
links, its data path, its health checks) counts meanwhile as ever.
"""

from collections.abc import Callable
from math import ceil
from typing import Final

from herald.kube.objects import Kind
from herald.kube.source import Change
from herald.kube.staleness import Staleness
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.evidence import Source, Standing
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.witness import Witness

EDGE_S: Final = 300.0
RETURN_EDGE_S: Final = 60.0
TELLS_OF_TRAFFIC: Final = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.NODE})
"""A kind of configuration that is not served any more is held as it was, by all nodes alike and for as long as it takes."""
STALE: Final = Standing(RouteState.LAST_RESORT, Reason.STALE)


class StaleWitness(Witness):
    """`max_stale_s` 0: never. `wall` tells the time of day, in seconds since the epoch."""

    def __init__(self, max_stale_s: float, wall: Callable[[], float]) -> None:
        self.staleness = Staleness()
        self._max_stale_s = max_stale_s
        self._wall = wall
        self._is_stale = False
        self._fresh_at: float | None = None

    def hear(self, change: Change, before: Cluster, now: float) -> None:  # noqa: ARG002 -- a witness's word
        self.staleness.heard([change], now)

    def testify(self, core: Core, now: float) -> None:
        since = [at for kind, at in self.staleness.since.items() if kind in TELLS_OF_TRAFFIC]
        wall = self._wall()
        if since:
            self._fresh_at = None
            self._is_stale = self._is_stale or self._is_over(now - min(since), wall)
        elif self._is_stale:
            self._fresh_at = wall if self._fresh_at is None else min(self._fresh_at, wall)
            self._is_stale = wall < _edge(self._fresh_at, RETURN_EDGE_S)
        core.stand(Source.STALE, STALE if self._is_stale else None)

    def _is_over(self, stale_s: float, wall: float) -> bool:
        """A step of the clock moves the edge, never what has been decided."""
        over_s = stale_s - self._max_stale_s
        return self._max_stale_s > 0 and over_s >= 0 and wall >= _edge(wall - over_s, EDGE_S)


def _edge(wall: float, every_s: float) -> float:
    """The next one, or this very moment."""
    return ceil(wall / every_s) * every_s
