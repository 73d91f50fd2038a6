from herald.kube.api.known import Known
from herald.kube.objects import ConfigManifest, Kind, Metadata, Node, ObjectKey, Service
from herald.kube.source import Gone, Upsert

ONE, TWO = ObjectKey("", "one"), ObjectKey("", "two")


def node(name: str = "one", version: str = "1", **labels: str) -> Node:
    return Node(metadata=Metadata(name=name, resource_version=version, labels=labels))


def pool(cidr: str = "198.51.100.0/24", uid: str = "1", version: str = "1") -> ConfigManifest:
    metadata = Metadata(name="one", uid=uid, resource_version=version)
    return ConfigManifest(kind=Kind.ADDRESS_POOL, metadata=metadata, spec={"cidr": cidr})


def test_an_object_is_said_when_its_meaning_changes_and_not_when_only_its_version_does() -> None:
    known = Known(Kind.NODE)
    assert known.upsert(node()) == [Upsert(Kind.NODE, ONE, node())]
    assert known.upsert(node(version="2")) == []
    assert known.upsert(node(version="3", rack="a")) == [Upsert(Kind.NODE, ONE, node(version="3", rack="a"))]


def test_the_version_of_a_service_counts_since_the_controllers_writes_depend_on_it() -> None:
    known = Known(Kind.SERVICE)
    for version in ("1", "2"):
        assert known.upsert(Service(metadata=Metadata(name="one", resource_version=version)))


def test_the_newest_version_is_kept_also_where_nothing_is_said() -> None:
    known = Known(Kind.NODE)
    known.upsert(node())
    known.upsert(node(version="2"))
    assert known.objects[ONE].metadata.resource_version == "2"


def test_a_list_makes_gone_what_it_does_not_hold_and_only_that() -> None:
    known = Known(Kind.NODE)
    for name in ("one", "two", "three"):
        known.upsert(node(name))
    assert known.keep_only([TWO], now=0.0) == [Gone(Kind.NODE, ONE), Gone(Kind.NODE, ObjectKey("", "three"))]
    assert set(known.objects) == {TWO}


def test_what_was_never_said_is_never_gone() -> None:
    assert Known(Kind.NODE).delete(ONE, now=0.0) == []


def test_a_held_deletion_counts_when_its_time_is_over_and_once() -> None:
    known = Known(Kind.ADDRESS_POOL, hold_s=10.0)
    known.upsert(pool())
    assert known.delete(ONE, now=100.0) == []
    assert known.release(now=109.9) == []
    assert known.holds
    assert known.release(now=110.0) == [Gone(Kind.ADDRESS_POOL, ONE)]
    assert known.release(now=120.0) == []
    assert not known.holds


def test_the_time_of_a_hold_runs_from_the_first_word_of_it() -> None:
    known = Known(Kind.ADDRESS_POOL, hold_s=10.0)
    known.upsert(pool())
    known.delete(ONE, now=100.0)
    known.keep_only([], now=105.0)
    assert known.release(now=110.0) == [Gone(Kind.ADDRESS_POOL, ONE)]


def test_what_is_back_in_time_was_never_gone_and_its_new_state_is_said() -> None:
    known = Known(Kind.ADDRESS_POOL, hold_s=10.0)
    known.upsert(pool())
    known.delete(ONE, now=100.0)
    assert known.upsert(pool(version="9")) == []
    known.delete(ONE, now=100.0)
    assert known.upsert(pool(uid="2")) == [Upsert(Kind.ADDRESS_POOL, ONE, pool(uid="2"))]
    assert known.release(now=200.0) == []


def test_an_object_that_exists_and_cannot_be_read_is_not_gone_either() -> None:
    known = Known(Kind.ADDRESS_POOL, hold_s=10.0)
    known.upsert(pool())
    known.delete(ONE, now=100.0)
    known.exists(ONE)
    assert known.release(now=200.0) == []


def test_deletions_that_are_forgotten_are_told_by_the_next_list() -> None:
    known = Known(Kind.ADDRESS_POOL, hold_s=10.0)
    known.upsert(pool())
    known.delete(ONE, now=100.0)
    known.forget_deletions()
    assert known.release(now=200.0) == []
    known.keep_only([], now=200.0)
    assert known.release(now=210.0) == [Gone(Kind.ADDRESS_POOL, ONE)]
