"""The seam between the loop and what watches over this node: each witness is a part of its own, and the loop knows no other.

Once per turn, in this order: `hear` every change of the cluster before the core applies it, `testify` before the core
decides, `follow` what it decided. A witness does no I/O in these calls and waits for nothing; one that asks the outside
does so in a task of its own, and has the loop turn (`Changes.wake`) when there is news. Whatever it says goes into the
core (`stand`, `doubt`, `admit`, `hold`), never into a route.
"""

from collections.abc import Iterable

from herald.kube.source import Change
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.transition import Transition


class Witness:
    """Does nothing by itself. Times are seconds of the monotonic clock."""

    def hear(self, change: Change, before: Cluster, now: float) -> None:
        """`before` is the cluster without the change."""

    def testify(self, core: Core, now: float) -> None:
        """Say what is known now: the core decides next."""

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        """What the core decided."""
