"""Routes are left for a successor, unless this node goes or shall have no traffic."""

import pytest

from herald.kube.objects import EXCLUDE_LABEL, Node
from speaker.evidence import Source, Standing
from speaker.farewell import farewell
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.session import Ending
from tests.builders import node
from tests.unit.speaker.test_core import CONFIG, core, upsert


def test_a_node_that_stays_leaves_its_routes() -> None:
    assert farewell(core(CONFIG), host_is_shutting_down=False) is Ending.RESTART


def test_a_host_that_shuts_down_withdraws() -> None:
    assert farewell(core(CONFIG), host_is_shutting_down=True) is Ending.WITHDRAW


@pytest.mark.parametrize(
    "this",
    [
        node(deleted=True),
        node(labels={EXCLUDE_LABEL: ""}),
        node(taints=["ToBeDeletedByClusterAutoscaler"]),
        node(conditions={"NetworkUnavailable": "True"}),
    ],
)
def test_a_node_that_leaves_withdraws(this: Node) -> None:
    made = core(CONFIG)
    made.apply([upsert(this)])
    assert farewell(made, host_is_shutting_down=False) is Ending.WITHDRAW


def test_a_node_that_is_not_known_withdraws() -> None:
    assert farewell(core([]), host_is_shutting_down=False) is Ending.WITHDRAW


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        (Source.DRAIN, Ending.WITHDRAW),
        (Source.BY_HAND, Ending.WITHDRAW),
        (Source.STALE, Ending.RESTART),
        (Source.DATA_PATH, Ending.RESTART),
        (Source.HEALTH, Ending.RESTART),
    ],
)
def test_who_wants_no_traffic_withdraws_and_who_is_sick_does_not(source: Source, ending: Ending) -> None:
    made = core(CONFIG)
    made.stand(source, Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING))
    assert farewell(made, host_is_shutting_down=False) is ending
