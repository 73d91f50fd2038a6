"""The data path as a witness: an announcement waits for it at the gate, and a node where it is silent is the last resort.

Its rules stay in the kernel when kube-proxy is gone, so the node goes on serving what it served, only after all others.
"""

import logging
from collections.abc import Callable, Iterable, Mapping

from herald.kube.source import Change
from herald.program.logs import fields
from speaker.cluster import Cluster
from speaker.core import Core
from speaker.data_path import Poll, Question
from speaker.evidence import Claim, Source, Standing
from speaker.gate import Gate, wanted
from speaker.kube_proxy import Wanted
from speaker.reasons import Reason
from speaker.recent import RecentChanges
from speaker.route import RouteState
from speaker.statement import DataPathReport
from speaker.transition import Transition
from speaker.witness import Witness

log = logging.getLogger(__name__)

SILENCE_S = 60.0
"""A kube-proxy that is restarted or replaced is back sooner."""
UNHEARD = Standing(RouteState.LAST_RESORT, Reason.DATA_PATH_TIMEOUT)
SILENT = Standing(RouteState.LAST_RESORT, Reason.DATA_PATH_SILENT)


class Admission(Witness):
    """One owner: the daemon's loop. `kind` is for people; `wake` makes the loop turn."""

    def __init__(self, kind: str, question: Question, limit_s: float, wake: Callable[[], None]) -> None:
        self._kind = kind
        self.gate = Gate(question.knowledge, limit_s)
        self.poll = Poll(question, self.gate.interest, self._on_news)
        self._recent = RecentChanges()
        self._recalled: set[Claim] = set()
        self._wake = wake

    def recall(self, core: Core, overdue: Mapping[Claim, Wanted]) -> None:
        """What an earlier speaker announced without word, and was not heard of till it ended."""
        self.gate.recall(overdue)
        self._recalled.update(overdue)
        for claim in overdue:
            core.doubt(Source.DATA_PATH, claim, UNHEARD)

    def hear(self, change: Change, before: Cluster, now: float) -> None:
        """Remembers what the data path has to follow."""
        self._recent.note(change, before, now)

    def testify(self, core: Core, now: float) -> None:
        """Lets through what does not wait any longer."""
        for each in self.gate.release(now):
            core.admit([each.claim])
            core.doubt(Source.DATA_PATH, each.claim, UNHEARD if each.overdue else None)
            if each.overdue:
                service, vip = each.claim
                log.warning("announcing without word that the data path has it", extra=fields(service=service, vip=vip))
        core.stand(Source.DATA_PATH, SILENT if self.poll.silent_s(now) >= SILENCE_S else None)

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        """Begins and ends waits as the core decided."""
        if self._recalled and core.cluster.synced:
            self._forget_absent(core)
        for change in transitions:
            if change.vip is None:
                continue
            claim = change.service, change.vip
            service = core.cluster.services.get(change.service)
            if change.reason is Reason.DATA_PATH_PENDING and service:
                recent = self._recent.of(change.service, now)
                self.gate.begin(claim, wanted(change.vip, service, recent, core.cluster.node, now))
                self.poll.wake()
            elif not change.state.is_announced:
                self._end(core, claim)

    def _forget_absent(self, core: Core) -> None:
        """What was withdrawn, or went altogether, while no speaker ran: no transition tells of it."""
        for claim in self._recalled - core.admitted:
            self._end(core, claim)
        self._recalled.clear()

    def _end(self, core: Core, claim: Claim) -> None:
        self.gate.end(claim)
        core.doubt(Source.DATA_PATH, claim, None)

    def report(self) -> DataPathReport:
        return DataPathReport(
            kind=self._kind,
            answers=self.poll.answered,
            timeouts=self.gate.timeouts,
            last_sync=self.poll.last_sync,
        )

    def _on_news(self) -> None:
        self.gate.heard()
        if self.gate.interest():
            self._wake()
