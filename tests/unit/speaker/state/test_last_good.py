"""The last good form of a configuration object is kept as it was written, whatever comes after it."""

from herald.kube.objects import ConfigManifest, KubeObject
from herald.kube.source import Change, Gone
from speaker.core import Core
from speaker.state.last_good import LastGood
from tests.builders import peer_manifest, pool_manifest
from tests.unit.speaker.test_core import CONFIG, core, kind_of, upsert

GOOD, BETTER, BAD = peer_manifest(), peer_manifest(peerPort=1179), peer_manifest(peerPort="none")


class Bench:
    def __init__(self, *remembered: KubeObject) -> None:
        self.last_good = LastGood(remembered)
        self.core: Core = core([])

    def turn(self, *changes: Change) -> None:
        """As the daemon's loop takes them."""
        for change in changes:
            self.last_good.hear(change, self.core.cluster, 0.0)
            self.core.apply([change])
        self.core.step()
        self.last_good.follow(self.core, (), 0.0)

    @property
    def peers(self) -> list[ConfigManifest]:
        return [m for m in self.last_good.manifests if m.kind is kind_of(GOOD)]


def test_a_refused_form_does_not_take_the_place_of_a_good_one() -> None:
    bench = Bench()
    bench.turn(*map(upsert, CONFIG))
    bench.turn(upsert(BAD))
    assert bench.peers == [GOOD]
    bench.turn(upsert(BETTER))
    assert bench.peers == [BETTER]


def test_a_good_form_of_an_earlier_life_outlives_that_this_one_heard_only_of_a_bad_one() -> None:
    bench = Bench(GOOD)
    bench.turn(upsert(BAD))
    assert bench.peers == [GOOD]


def test_a_form_that_never_was_good_is_not_kept_and_one_that_is_gone_is_forgotten() -> None:
    bench = Bench()
    bench.turn(upsert(BAD))
    assert bench.peers == []
    bench.turn(upsert(GOOD))
    bench.turn(Gone(kind_of(GOOD), GOOD.key))
    assert bench.peers == []


def test_what_becomes_good_by_anothers_going_is_kept_from_then_on() -> None:
    older, younger = pool_manifest("a"), pool_manifest("b")
    bench = Bench()
    bench.turn(upsert(older), upsert(younger))
    assert bench.last_good.manifests == [older]
    bench.turn(Gone(kind_of(older), older.key))
    bench.turn(upsert(younger))
    assert bench.last_good.manifests == [younger]
