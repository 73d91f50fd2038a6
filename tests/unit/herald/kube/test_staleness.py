from herald.kube.objects import Kind
from herald.kube.source import Changes, Fresh, Stale, Synced
from herald.kube.staleness import Staleness


def test_a_kind_is_stale_since_the_first_word_until_it_is_fresh() -> None:
    staleness = Staleness()
    staleness.heard([Stale(Kind.NODE, "away"), Synced(Kind.SERVICE)], 1.0)
    staleness.heard([Stale(Kind.NODE, "still away"), Stale(Kind.BGP_PEER, "away")], 2.0)
    assert staleness.since == {Kind.NODE: 1.0, Kind.BGP_PEER: 2.0}
    staleness.heard([Fresh(Kind.NODE)], 3.0)
    assert staleness.since == {Kind.BGP_PEER: 2.0}


async def test_the_mailbox_tells_when_the_oldest_of_what_was_taken_was_posted() -> None:
    changes = Changes()
    changes.post(Synced(Kind.NODE))
    changes.post(Synced(Kind.SERVICE))
    await changes.take()
    first = changes.posted_at
    assert first is not None
    changes.post(Synced(Kind.SECRET))
    await changes.take()
    assert changes.posted_at is not None
    assert changes.posted_at > first
    changes.wake()
    await changes.take()
    assert changes.posted_at is None
