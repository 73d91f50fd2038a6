from herald.kube.api.words import KindWords
from herald.kube.objects import Kind
from herald.kube.source import Change, Fresh, Stale, Synced


def words_of(*parts: str) -> tuple[KindWords, list[Change]]:
    said: list[Change] = []
    return KindWords(Kind.SECRET, said.append, parts), said


def test_a_kind_is_synced_once_when_the_last_of_its_parts_is_listed() -> None:
    words, said = words_of("one", "two")
    words.listed("one")
    assert said == []
    words.listed("two")
    words.listed("one")
    assert said == [Synced(Kind.SECRET)]


def test_a_kind_without_parts_is_synced_when_checked() -> None:
    words, said = words_of()
    words.check()
    assert said == [Synced(Kind.SECRET)]


def test_a_kind_is_stale_while_any_part_is_and_says_so_once() -> None:
    words, said = words_of("one", "two")
    words.stale("one", "why")
    words.stale("two", "why too")
    words.stale("one", "again")
    words.fresh("one")
    assert said == [Stale(Kind.SECRET, "why")]
    words.fresh("two")
    assert said == [Stale(Kind.SECRET, "why"), Fresh(Kind.SECRET)]


def test_a_part_that_is_dropped_holds_nothing_up() -> None:
    words, said = words_of("one", "two")
    words.listed("one")
    words.stale("two", "why")
    words.drop("two")
    assert said == [Stale(Kind.SECRET, "why"), Synced(Kind.SECRET), Fresh(Kind.SECRET)]
