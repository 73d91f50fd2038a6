"""A node that leaves: what it announced is least preferred for half a minute, and a cordon is no leaving."""

import pytest

from herald.kube.objects import EXCLUDE_LABEL, Node
from speaker.core import Core
from speaker.leaving import GRACE_S, Leaving
from speaker.reasons import Reason
from speaker.route import RouteState
from tests.builders import node
from tests.unit.speaker.test_core import CONFIG, WEB, core, one_service, upsert

SERVICE = one_service("web", "198.51.100.7")
EXCLUDED = node(labels={EXCLUDE_LABEL: ""})
LEAVING = {
    Reason.NODE_EXCLUDED: EXCLUDED,
    Reason.NODE_NETWORK_UNAVAILABLE: node(conditions={"NetworkUnavailable": "True"}),
    Reason.NODE_DELETING: node(taints=["ToBeDeletedByClusterAutoscaler"]),
}
NORMAL, LEAST, WITHDRAWN = RouteState.NORMAL, RouteState.LEAST_PREFERRED, RouteState.WITHDRAWN


class Bench:
    """A core with one Service, and the witness; times in seconds."""

    def __init__(self, this: Node, leaving: Leaving | None = None) -> None:
        self.leaving = leaving or Leaving()
        self.core: Core = core([*CONFIG, this, *SERVICE])

    def at(self, now: float, this: Node | None = None) -> tuple[RouteState, Reason | None]:
        """What is decided then, where this is the Node from then on."""
        if this:
            self.core.apply([upsert(this)])
        self.leaving.testify(self.core, now)
        self.core.step()
        (vip,) = self.core.decisions[WEB[0]].vips
        return vip.state, vip.reason


@pytest.mark.parametrize("reason", LEAVING)
def test_what_was_announced_is_least_preferred_for_30_s_and_then_withdrawn(reason: Reason) -> None:
    bench = Bench(node())
    assert bench.at(100) == (NORMAL, None)
    assert bench.at(200, LEAVING[reason]) == (LEAST, reason)
    assert bench.at(200 + GRACE_S - 0.1) == (LEAST, reason)
    assert bench.at(200 + GRACE_S) == (WITHDRAWN, reason)
    assert bench.at(1000) == (WITHDRAWN, reason)
    assert bench.at(1001, node()) == (NORMAL, None)
    assert bench.at(1002, LEAVING[reason]) == (LEAST, reason)


def test_another_reason_begins_no_new_grace() -> None:
    bench = Bench(node())
    bench.at(100)
    bench.at(200, LEAVING[Reason.NODE_EXCLUDED])
    assert bench.at(220, LEAVING[Reason.NODE_DELETING]) == (LEAST, Reason.NODE_DELETING)
    assert bench.at(231) == (WITHDRAWN, Reason.NODE_DELETING)


@pytest.mark.parametrize("reason", LEAVING)
def test_a_speaker_that_starts_on_such_a_node_announces_nothing(reason: Reason) -> None:
    bench = Bench(LEAVING[reason])
    assert bench.at(100) == (WITHDRAWN, reason)
    assert bench.at(101, node()) == (NORMAL, None)


def test_one_that_starts_within_the_grace_of_its_predecessor_goes_on_with_it() -> None:
    bench = Bench(EXCLUDED, Leaving(since=95))
    assert bench.at(100) == (LEAST, Reason.NODE_EXCLUDED)
    assert bench.at(95 + GRACE_S) == (WITHDRAWN, Reason.NODE_EXCLUDED)


def test_a_cordon_changes_nothing() -> None:
    bench = Bench(node())
    bench.at(100)
    assert bench.at(200, node(taints=["node.kubernetes.io/unschedulable"])) == (NORMAL, None)


def test_a_node_that_is_announced_from_all_the_same_does_not_leave() -> None:
    bench = Bench(node(), Leaving(ignore_exclude_label=True))
    bench.at(100)
    bench.at(200, EXCLUDED)
    assert not bench.core.evidence.grace
