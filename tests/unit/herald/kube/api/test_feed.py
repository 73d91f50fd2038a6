from typing import Any

from herald.kube.api.decode import EventType
from herald.kube.api.feed import ObjectFeed
from herald.kube.api.problems import Problems
from herald.kube.objects import Kind, ObjectKey
from herald.kube.source import Gone, Upsert
from tests.unit.herald.kube.api.words_of import item


class Fed:
    """A feed, what it has said, and what it has named."""

    def __init__(self, kind: Kind = Kind.NODE, hold_s: float = 0.0) -> None:
        self.said: list[Upsert | Gone] = []
        self.problems = Problems()
        self.feed = ObjectFeed(kind, self.said.append, self.problems, hold_s)

    def relist(self, *names: str, **broken: Any) -> None:
        self.feed.begin_list()
        for name in names:
            self.feed.item(*item(name))
        for name, taints in broken.items():
            self.feed.item(*item(name, spec={"taints": taints}))
        self.feed.end_list(0.0)

    def words(self) -> list[tuple[str, str]]:
        """Since the last call."""
        words = [(type(word).__name__, word.key.name) for word in self.said]
        self.said.clear()
        return words


def test_a_list_that_does_not_end_makes_nothing_vanish() -> None:
    fed = Fed()
    fed.relist("one", "two")
    fed.words()
    fed.feed.begin_list()
    fed.feed.item(*item("one"))
    fed.relist("one", "two")
    assert fed.words() == []


def test_a_list_after_a_gap_says_what_changed_in_it() -> None:
    fed = Fed()
    fed.relist("one", "two")
    fed.words()
    fed.relist("two", "three")
    assert fed.words() == [("Upsert", "three"), ("Gone", "one")]


def test_events_say_what_they_tell_and_deleted_counts_whatever_it_carries() -> None:
    fed = Fed()
    fed.feed.event(EventType.ADDED, *item("one"), 0.0)
    fed.feed.event(EventType.MODIFIED, *item("one", 2, spec={"taints": [{"key": "a"}]}), 0.0)
    fed.feed.event(EventType.DELETED, *item("one", 3, spec={"taints": [{"key": "a"}]}), 0.0)
    assert fed.words() == [("Upsert", "one"), ("Upsert", "one"), ("Gone", "one")]


def test_an_object_that_cannot_be_decoded_is_named_and_keeps_its_last_good_form() -> None:
    fed = Fed()
    fed.relist("one", "two")
    fed.words()
    fed.relist("two", one="nonsense")
    assert fed.words() == []
    (problem,) = fed.problems.all
    assert problem.key == ObjectKey("", "one")
    assert "$.spec.taints" in str(problem)


def test_a_problem_is_over_when_the_object_is_right_or_gone() -> None:
    for mend in (lambda fed: fed.relist("one"), Fed.relist):
        fed = Fed()
        fed.relist(one="nonsense")
        assert len(fed.problems.all) == 1
        mend(fed)
        assert not fed.problems.all


def test_a_problem_is_over_when_its_object_is_deleted() -> None:
    fed = Fed()
    fed.relist(one="nonsense")
    fed.feed.event(EventType.DELETED, *item("one"), 0.0)
    assert not fed.problems.all
    assert fed.words() == []


def test_a_deletion_that_was_held_does_not_count_once_the_kind_is_lost() -> None:
    """A CRD that is deleted: DELETED for every object, and then the kind is not served."""
    fed = Fed(Kind.ADDRESS_POOL, hold_s=10.0)
    fed.relist("one")
    fed.words()
    fed.feed.event(EventType.DELETED, *item("one"), 100.0)
    fed.feed.lost()
    fed.feed.release(1000.0)
    assert fed.words() == []
    assert not fed.feed.holds


def test_a_selection_that_is_closed_leaves_nothing() -> None:
    fed = Fed()
    fed.relist("one")
    fed.words()
    fed.feed.close()
    assert fed.words() == [("Gone", "one")]
