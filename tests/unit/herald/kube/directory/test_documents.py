"""Documents are cut and read as kubectl does."""

import pytest

from herald.kube.directory.documents import NotParsedError, cut_json, cut_yaml, load_json, load_yaml


def test_documents_are_cut_at_separator_lines_with_the_lines_on_which_they_start() -> None:
    cuts = list(cut_yaml("a: 1\n---\nb: 2\nc: 3\n--- # third\nd: 4\n"))
    assert [load_yaml(cut.text) for cut in cuts] == [{"a": 1}, {"b": 2, "c": 3}, {"d": 4}]
    assert [cut.line for cut in cuts] == [0, 1, 4]


def test_dashes_within_a_line_separate_nothing() -> None:
    text = 'a: "---"\nb: |\n  ---\nc: ----\n'
    assert [load_yaml(cut.text) for cut in cut_yaml(text)] == [{"a": "---", "b": "---\n", "c": "----"}]


@pytest.mark.parametrize("text", ["", "---\n", "# only words\n---\n\n---\n  # and more\n", "%YAML 1.1\n---\n"])
def test_comments_directives_and_blank_lines_make_no_document(text: str) -> None:
    assert list(cut_yaml(text)) == []


def test_many_blank_lines_are_cut_in_no_time() -> None:
    assert len(list(cut_yaml("\n" * 100_000 + "a: 1"))) == 1


@pytest.mark.parametrize("text", ["64512:30", "2026-01-01", "2026-01-01T00:00:00Z", "=", "1:2:3", "1.2.3.4", "08"])
def test_what_is_text_to_kubectl_is_text(text: str) -> None:
    assert load_yaml(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("64512", 64512), ("-1", -1), ("0x10", 16), ("010", 8), ("1_000", 1000), ("0", 0), ("1.5", 1.5), (".5e+3", 500.0)],
)
def test_numbers_are_numbers(text: str, value: float) -> None:
    assert load_yaml(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("off", False), ("true", True), ("~", None), ("", None)])
def test_booleans_and_null_are_what_kubectl_takes_them_for(text: str, value: object) -> None:
    assert load_yaml(f"a: {text}") == {"a": value}


def test_yaml_that_does_not_parse_says_the_line() -> None:
    with pytest.raises(NotParsedError) as caught:
        load_yaml("a: 1\nb: [1,\nc: 2\n")
    assert caught.value.line is not None
    assert caught.value.line >= 1


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x", "a: \x00", "[" * 100_000])
def test_odd_yaml_is_an_error_and_nothing_worse(text: str) -> None:
    with pytest.raises(NotParsedError):
        load_yaml(text)


def test_json_values_follow_one_another() -> None:
    cuts = list(cut_json('{"a": 1}\n\n{"b": [2]}\n'))
    assert [load_json(cut.text) for cut in cuts] == [{"a": 1}, {"b": [2]}]
    assert [cut.line for cut in cuts] == [0, 2]


def test_json_that_is_cut_short_leaves_what_comes_before() -> None:
    good, bad = cut_json('{"a": 1}\n{"b": [2')
    assert load_json(good.text) == {"a": 1}
    with pytest.raises(NotParsedError, match="not valid JSON"):
        load_json(bad.text)
