"""Which changes the data path has to follow, and for how long that is remembered."""

from bgp_config.names import NodeName
from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Gone, Synced, Upsert
from speaker.cluster import Cluster
from speaker.recent import MEMORY_S, Changed, RecentChanges
from tests.builders import UNREADY, endpoint, endpoint_slice, service

WEB = ObjectKey("default", "web")
SLICE = endpoint_slice("web", [endpoint("node1", "10.244.1.1")])


class Told:
    """A cluster and what is remembered of its changes."""

    def __init__(self, *things: KubeObject) -> None:
        self.cluster, self.recent = Cluster(NodeName("node1")), RecentChanges()
        for thing in things:
            self.tell(thing, 0.0)
        for kind in Kind:
            self.cluster.apply(Synced(kind))

    def tell(self, thing: KubeObject, at: float) -> None:
        change = Upsert(Kind(type(thing).__name__), thing.key, thing)
        self.recent.note(change, self.cluster, at)
        self.cluster.apply(change)


def test_what_is_there_at_the_start_has_not_changed() -> None:
    assert Told(service("web", "198.51.100.1"), SLICE).recent.of(WEB, 0.0) == Changed()


def test_a_new_service_a_new_vip_and_other_endpoints_are_changes() -> None:
    told = Told()
    told.tell(service("web"), 1.0)
    assert told.recent.of(WEB, 1.0) == Changed(service=1.0)
    told.tell(service("web", "198.51.100.1"), 2.0)
    told.tell(SLICE, 3.0)
    assert told.recent.of(WEB, 3.0) == Changed(service=2.0, endpoints=3.0)
    told.tell(endpoint_slice("web", [endpoint("node1", "10.244.1.1", UNREADY)]), 4.0)
    assert told.recent.of(WEB, 4.0) == Changed(service=2.0, endpoints=4.0)


def test_a_label_is_no_change() -> None:
    told = Told(service("web", "198.51.100.1"), SLICE)
    told.tell(service("web", "198.51.100.1", labels={"tier": "gold"}), 1.0)
    told.tell(SLICE, 1.0)
    assert told.recent.of(WEB, 1.0) == Changed()


def test_a_slice_that_vanishes_is_a_change() -> None:
    told = Told(service("web", "198.51.100.1"), SLICE)
    told.recent.note(Gone(Kind.ENDPOINT_SLICE, SLICE.key), told.cluster, 1.0)
    assert told.recent.of(WEB, 1.0) == Changed(endpoints=1.0)


def test_what_is_long_past_is_forgotten() -> None:
    told = Told()
    for number in range(100):
        told.tell(service(f"web-{number}"), number)
    assert told.recent.of(ObjectKey("default", "web-99"), 99.0 + MEMORY_S + 1) == Changed()
    assert len(told.recent._changed) <= MEMORY_S + 1
