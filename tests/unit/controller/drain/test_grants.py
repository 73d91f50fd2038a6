"""Which nodes may drain: so many of a rack, never the last that announces something, and never back and forth."""

from collections import Counter
from collections.abc import Collection, Mapping

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import Drain
from bgp_config.names import DrainName, NodeName
from bgp_config.status.drain import MAX_NODES
from controller.drain.announcers import Announcers, Nodes
from controller.drain.grants import Granted, Limits, Waits, Wish, decide
from controller.drain.reasons import WaitReason
from herald.kube.objects import ObjectKey
from tests.builders import ip, node

NODES = [NodeName(f"node{number}") for number in range(1, 7)]
RACKS = {name: f"rack{(number // 3) + 1}" for number, name in enumerate(NODES)}
NOTHING = Announcers({})
VIP = ip("198.51.100.1")
WEB = (ObjectKey("default", "web"), VIP)


def wish(name: str, *nodes: str, granted: str = "", created: str = "", force: bool = False) -> Wish:
    return Wish(
        drain=Drain(name=DrainName(name), nodes=frozenset(map(NodeName, nodes)), force=force),
        created=created,
        nodes=frozenset(map(NodeName, nodes)),
        granted=frozenset(map(NodeName, granted.split())),
    )


def decided(
    *wishes: Wish,
    announcers: Announcers | None = NOTHING,
    limit: int = 1,
    racks: Mapping[NodeName, str] = RACKS,
) -> dict[str, str]:
    """By node, "granted" or the reason; of a node that two Drains are about, that of the last."""
    found = decide(wishes, racks, Limits(max_concurrent=limit), announcers)
    return {name: "granted" if isinstance(each, Granted) else each.reason.value for (_, name), each in found.items()}


def announced(*nodes: str) -> Announcers:
    return Announcers({WEB: certain({NodeName(node) for node in nodes})})


def certain(nodes: Collection[NodeName]) -> Nodes:
    return Nodes(frozenset(nodes), frozenset(nodes))


def test_of_two_nodes_of_a_rack_one_waits_and_of_two_racks_none() -> None:
    assert decided(wish("a", "node1", "node2")) == {"node1": "granted", "node2": "maxConcurrentDrains"}
    assert decided(wish("a", "node1", "node4")) == {"node1": "granted", "node4": "granted"}
    assert decided(wish("a", "node1", "node2", "node3"), limit=2)["node3"] == "maxConcurrentDrains"


def test_nodes_without_the_label_are_one_rack() -> None:
    limits = Limits(rack_label="rack")
    racks = {NodeName(name): limits.rack_of(node(name)) for name in ("node1", "node2")}
    assert decided(wish("a", "node1", "node2"), racks=racks)["node2"] == "maxConcurrentDrains"
    assert limits.rack_of(node("node1", labels={"rack": "r1"})) == "r1"


def test_what_is_granted_stays_so_and_counts_whoever_asks_next() -> None:
    assert decided(wish("a", "node1", granted="node1"), wish("b", "node2")) == {
        "node1": "granted",
        "node2": "maxConcurrentDrains",
    }
    assert decided(wish("b", "node1", "node2", granted="node2")) == {"node2": "granted", "node1": "maxConcurrentDrains"}
    alone = announced("node1")
    assert decided(wish("a", "node1", granted="node1"), announcers=alone) == {"node1": "granted"}


def test_a_node_that_two_drains_are_about_is_granted_to_both_and_counts_once() -> None:
    found = decide([wish("a", "node1"), wish("b", "node1")], RACKS, Limits(), NOTHING)
    assert list(found.values()) == [Granted(), Granted()]
    assert decided(wish("a", "node1"), wish("b", "node1"), wish("c", "node2"), limit=2)["node2"] == "granted"


def test_the_oldest_drain_is_served_first() -> None:
    young, old = wish("a", "node1", created="2026-02-01T00:00:00Z"), wish("b", "node2", created="2026-01-01T00:00:00Z")
    assert decided(young, old) == decided(old, young) == {"node2": "granted", "node1": "maxConcurrentDrains"}


def test_the_last_announcer_waits_unless_it_is_forced() -> None:
    alone = announced("node1")
    assert decided(wish("a", "node1"), announcers=alone) == {"node1": "lastAnnouncer"}
    assert decided(wish("a", "node1", force=True), announcers=alone) == {"node1": "granted"}
    assert decided(wish("a", "node2"), announcers=alone) == {"node2": "granted"}


def test_of_two_announcers_in_two_racks_one_waits() -> None:
    both = announced("node1", "node4")
    assert decided(wish("a", "node1", "node4"), announcers=both) == {"node1": "granted", "node4": "lastAnnouncer"}


def test_nothing_is_granted_before_somebody_has_looked_but_what_is_forced() -> None:
    assert decided(wish("a", "node1"), announcers=None) == {"node1": "notLookedYet"}
    assert decided(wish("a", "node1", force=True), announcers=None) == {"node1": "granted"}


def test_force_does_not_lift_the_limit() -> None:
    assert decided(wish("a", "node1", "node2", force=True))["node2"] == "maxConcurrentDrains"


def test_while_a_drain_cannot_be_read_nothing_new_is_granted_not_even_by_force_and_nothing_taken_back() -> None:
    wishes = [wish("a", "node1", granted="node1"), wish("b", "node4", force=True)]
    granted, waits = decide(wishes, RACKS, Limits(), NOTHING, {"broken"}).values()
    assert granted == Granted()
    assert isinstance(waits, Waits)
    assert waits.reason is WaitReason.OTHER_DRAIN_UNREADABLE
    assert "the Drain broken may have nodes" in waits.message


def test_a_node_that_is_not_there_is_named() -> None:
    found = decide([wish("a", "node9")], RACKS, Limits(), NOTHING)
    (each,) = found.values()
    assert isinstance(each, Waits)
    assert each.reason is WaitReason.NODE_UNKNOWN
    assert "node9" in each.message


def test_a_node_that_was_deleted_counts_for_no_rack_until_it_is_there_again() -> None:
    deleted = {name: rack for name, rack in RACKS.items() if name != "node1"}
    gone = wish("a", "node1", granted="node1")
    assert decided(gone, wish("b", "node2"), racks=deleted) == {"node1": "granted", "node2": "granted"}
    assert decided(gone, wish("b", "node2")) == {"node1": "granted", "node2": "maxConcurrentDrains"}


def test_one_drain_has_so_many_nodes() -> None:
    nodes = [f"n{number:04}" for number in range(MAX_NODES + 1)]
    racks = {NodeName(name): name for name in nodes}
    found = decided(wish("a", *nodes), racks=racks)
    assert [name for name, said in found.items() if said != "granted"] == [nodes[-1]]
    assert found[NodeName(nodes[-1])] == "tooManyNodes"


SOME = st.sets(st.sampled_from(NODES), min_size=1)


@given(st.lists(st.tuples(SOME, st.booleans()), min_size=1, max_size=4), st.lists(SOME, max_size=4), st.integers(1, 3))
def test_whatever_is_asked_no_rack_and_no_service_loses_too_much(
    asked: list[tuple[set[NodeName], bool]], announce: list[set[NodeName]], limit: int
) -> None:
    wishes = [wish(f"d{number}", *nodes, force=force) for number, (nodes, force) in enumerate(asked)]
    known = Announcers({(ObjectKey("default", f"s{n}"), VIP): certain(nodes) for n, nodes in enumerate(announce)})
    found = decide(wishes, RACKS, Limits(max_concurrent=limit), known)
    granted = {name for (_, name), each in found.items() if isinstance(each, Granted)}
    forced = {name for nodes, force in asked if force for name in nodes}
    assert all(count <= limit for count in Counter(RACKS[name] for name in granted).values())
    for nodes in announce:
        assert not nodes <= granted or nodes & forced
    assert decide(wishes[::-1], RACKS, Limits(max_concurrent=limit), known) == found
