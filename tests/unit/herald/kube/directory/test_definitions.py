"""Which file's definition counts, whatever the order of events."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herald.kube.directory.definitions import Definitions

A, B = Path("/m/a.yaml"), Path("/m/b.yaml")


def keep_none(_: str) -> bool:
    return False


def keep_all(_: str) -> bool:
    return True


@pytest.fixture
def definitions() -> Definitions[str, str]:
    return Definitions()


def test_what_a_file_drops_leaves_when_its_time_has_come(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 3.0, keep_none)
    definitions.expire(2.9)
    assert definitions.counting("web") == "one"
    definitions.expire(3.0)
    assert definitions.counting("web") is None


def test_what_is_defined_again_in_time_does_not_leave(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_none)
    definitions.define(A, {"web": "one"}, 3.0, keep_none)
    definitions.expire(9.0)
    assert definitions.counting("web") == "one"


def test_what_moves_to_another_file_counts_there_at_once(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_none)
    definitions.define(B, {"web": "two"}, 2.0, keep_none)
    assert definitions.counting("web") == "two"
    assert definitions.holders("web") == [B]
    definitions.expire(2.0)
    assert definitions.counting("web") == "two"


@pytest.mark.parametrize("order", [(A, B), (B, A)])
def test_of_two_files_the_first_by_name_counts(definitions: Definitions[str, str], order: tuple[Path, Path]) -> None:
    for path in order:
        definitions.define(path, {"web": path.name}, 2.0, keep_none)
    assert definitions.counting("web") == "a.yaml"
    assert definitions.holders("web") == [A, B]


def test_what_a_file_keeps_stays_also_if_it_was_about_to_leave(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_all)
    definitions.expire(9.0)
    assert definitions.counting("web") == "one"


def test_a_second_removal_does_not_put_off_the_first(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_none)
    definitions.define(A, {}, 4.0, keep_none)
    definitions.expire(2.0)
    assert definitions.counting("web") is None


def test_what_is_put_off_leaves_later(definitions: Definitions[str, str]) -> None:
    definitions.define(A, {"web": "one"}, 2.0, keep_none)
    definitions.define(A, {}, 2.0, keep_none)
    definitions.put_off(A.parent, 5.0)
    definitions.expire(4.9)
    assert definitions.counting("web") == "one"
    assert list(definitions.leaving()) == [A]
    definitions.expire(5.0)
    assert definitions.counting("web") is None


def test_only_what_may_have_changed_is_dirty(definitions: Definitions[str, str]) -> None:
    values = {f"web-{number}": str(number) for number in range(100)}
    definitions.define(A, values, 2.0, keep_none)
    assert definitions.take_dirty() == values.keys()
    definitions.define(A, {**values, "web-7": "changed"}, 2.0, keep_none)
    assert definitions.take_dirty() == {"web-7"}


Files = st.dictionaries(
    st.sampled_from([A, B, Path("/m/c.yaml")]), st.dictionaries(st.sampled_from("xyz"), st.text(max_size=2))
)


@given(history=st.lists(Files, min_size=1, max_size=6))
def test_in_the_end_only_what_the_files_say_now_counts(history: list[dict[Path, dict[str, str]]]) -> None:
    definitions: Definitions[str, str] = Definitions()
    for now, files in enumerate(history):
        for path in (A, B, Path("/m/c.yaml")):
            definitions.define(path, files.get(path, {}), now + 2.0, keep_none)
        definitions.expire(float(now))
    definitions.expire(len(history) + 2.0)
    expected: dict[str, str] = {}
    for _, values in sorted(history[-1].items(), reverse=True):
        expected |= values
    assert {name: definitions.counting(name) for name in "xyz"} == {name: expected.get(name) for name in "xyz"}
    assert not list(definitions.leaving())
