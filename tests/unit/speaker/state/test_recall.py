"""What an earlier life knew counts until its source has told of it, and for no longer."""

from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Change, Fresh, Gone, Stale, Synced, Upsert
from speaker.state.recall import Manners, Recall
from speaker.state.record import kind_of
from tests.builders import endpoint_slice, manifest, node, peer_manifest, pool_manifest, service

WEB, DB = service("web", "198.51.100.7"), service("db", "198.51.100.8")
PEER = peer_manifest()


def upsert(thing: KubeObject) -> Upsert:
    return Upsert(kind_of(thing), thing.key, thing)


def gone(thing: KubeObject) -> Gone:
    return Gone(kind_of(thing), thing.key)


def recall(*things: KubeObject, hold_s: float = 10.0, withheld: ObjectKey | None = None) -> Recall:
    return Recall(things, Manners(hold_s=hold_s, withholds=lambda _, key: key == withheld))


def test_every_kind_is_known_by_its_object() -> None:
    things = (WEB, endpoint_slice("web", []), node(), PEER, manifest(Kind.DRAIN, "d", {}))
    kinds = [Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.NODE, Kind.BGP_PEER, Kind.DRAIN]
    assert [kind_of(thing) for thing in things] == kinds


def test_what_was_not_heard_of_is_gone_as_soon_as_its_kind_was_listed() -> None:
    memory = recall(WEB, DB)
    assert memory.heard(upsert(WEB), 1.0) == []
    assert memory.heard(Synced(Kind.NODE), 1.0) == [Fresh(Kind.NODE)]
    assert memory.heard(Synced(Kind.SERVICE), 2.0) == [gone(DB), Fresh(Kind.SERVICE)]
    assert not memory.is_pending


def test_configuration_that_vanished_is_kept_for_its_time_and_is_there_if_it_is_heard_of_meanwhile() -> None:
    memory = recall(PEER, pool_manifest())
    memory.heard(Synced(Kind.BGP_PEER), 1.0)
    memory.heard(Synced(Kind.ADDRESS_POOL), 1.0)
    assert memory.lapsed(10.9) == []
    memory.heard(upsert(pool_manifest()), 10.9)
    assert memory.lapsed(11.0) == [gone(PEER)]
    assert memory.lapsed(99.0) == []


def test_what_the_source_cannot_read_stays_until_it_can() -> None:
    memory = Recall([WEB, DB], Manners(withholds=lambda _, key: key == DB.key and withheld))
    withheld = True
    assert memory.heard(Synced(Kind.SERVICE), 1.0) == [gone(WEB), Fresh(Kind.SERVICE)]
    assert memory.lapsed(500.0) == []
    assert memory.is_pending
    withheld = False
    assert memory.lapsed(501.0) == [gone(DB)]


def test_a_source_that_takes_too_long_is_stale_with_what_is_remembered_in_force() -> None:
    memory = recall(WEB)
    memory.heard(Synced(Kind.NODE), 1.0)
    assumed = memory.assume()
    assert {change.kind for change in assumed if isinstance(change, Synced)} == set(Kind) - {Kind.NODE}
    assert {change.kind for change in assumed if isinstance(change, Stale)} == set(Kind) - {Kind.NODE}
    assert memory.lapsed(500.0) == []
    assert memory.heard(Synced(Kind.SERVICE), 600.0) == [gone(WEB), Fresh(Kind.SERVICE)]


def test_without_a_memory_nothing_is_ever_assumed() -> None:
    assert recall().assume() == []


def test_other_words_mean_no_more_than_they_say() -> None:
    memory = recall(WEB)
    words: list[Change] = [Stale(Kind.SERVICE, "away"), Fresh(Kind.SERVICE), gone(WEB)]
    assert [memory.heard(word, 1.0) for word in words] == [[], [], []]
    assert memory.heard(Synced(Kind.SERVICE), 1.0) == [Fresh(Kind.SERVICE)], "it was told of as gone"
