"""The daemon's part of the data-path gate: hands on what changed, begins waits, and lets through what the gate releases."""

import logging
from collections.abc import Callable, Iterable

from herald.kube.source import Change
from herald.program.logs import fields
from speaker.core import Core, Transition
from speaker.data_path import Poll, Question
from speaker.gate import Gate, waits, wanted
from speaker.recent import RecentChanges
from speaker.status import DataPathReport

log = logging.getLogger(__name__)


class Admission:
    """One owner: the daemon's loop. `kind` is for people; `wake` makes the loop turn."""

    def __init__(self, kind: str, question: Question, limit_s: float, wake: Callable[[], None]) -> None:
        self._kind = kind
        self.gate = Gate(question.knowledge, limit_s)
        self.poll = Poll(question, self.gate.checks, self._on_news)
        self._recent = RecentChanges()
        self._wake = wake

    def apply(self, core: Core, changes: Iterable[Change], now: float) -> None:
        """Has the core apply the changes, and remembers which of them the data path has to follow."""
        for change in changes:
            self._recent.note(change, core.cluster, now)
            core.apply([change])

    def release(self, core: Core, now: float) -> None:
        """Lets through what does not wait any longer."""
        released = self.gate.release(now)
        core.admit(each.claim for each in released)
        for service, vip in (each.claim for each in released if each.overdue):
            log.warning("announcing without word that the data path has it", extra=fields(service=service, vip=vip))

    def follow(self, core: Core, transitions: Iterable[Transition], now: float) -> None:
        """Begins and ends waits as the core decided."""
        begun = False
        for claim, must_wait in waits(transitions):
            service = core.cluster.services.get(claim[0])
            if must_wait and service:
                self.gate.begin(claim, wanted(claim[1], service, self._recent.of(claim[0], now), core.cluster.node, now))
                begun = True
            else:
                self.gate.end(claim)
        if begun:
            self.poll.wake()

    def report(self) -> DataPathReport:
        return DataPathReport(
            kind=self._kind,
            answers=self.poll.answered,
            timeouts=self.gate.timeouts,
            last_sync=self.poll.last_sync,
        )

    def _on_news(self) -> None:
        if self.gate.waiting:
            self._wake()
