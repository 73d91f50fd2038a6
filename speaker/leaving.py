"""A node that is to leave: it is excluded, will be deleted, or has no network. Pure.

What it announced is least preferred for GRACE_S, so that traffic moves while it is still served, then withdrawn. The speaker
does this alone, without leave of the controller: whoever says so has decided already. A cordon is none of these. A
speaker that starts on such a node announces nothing: there is nothing that could be moved gently.
"""

from speaker.core import Core
from speaker.decide import LEAVING, node_refusal
from speaker.reasons import Reason
from speaker.witness import Witness

GRACE_S = 30.0


class Leaving(Witness):
    """One owner: the daemon's loop. `since`: a speaker before this one saw the node begin to leave then."""

    def __init__(self, *, ignore_exclude_label: bool = False, since: float | None = None) -> None:
        self.since = since
        self._ignore_exclude_label = ignore_exclude_label
        self._has_stayed = False

    def testify(self, core: Core, now: float) -> None:
        if core.cluster.synced:
            self._look(node_refusal(core.cluster.node, ignore_exclude_label=self._ignore_exclude_label), now)
            core.give_grace(given=self.since is not None and now - self.since < GRACE_S)

    def _look(self, refusal: Reason | None, now: float) -> None:
        if refusal not in LEAVING:
            self.since = None
            self._has_stayed = self._has_stayed or refusal is None
        elif self.since is None and self._has_stayed:
            self.since = now
