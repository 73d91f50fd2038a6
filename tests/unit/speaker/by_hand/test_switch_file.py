"""What the switch file says."""

from hypothesis import given
from hypothesis import strategies as st

from speaker.by_hand.order import LONGEST_S, SHORTEST_S
from speaker.by_hand.switch_file import DEFAULT_TTL_S, parse
from tests.builders import ip


def test_a_line_names_a_vip_or_all_and_may_say_for_how_long() -> None:
    said = parse("# incident 42\n\n198.51.100.7 15m  # web\nall\n2001:db8::7\t30s\n")
    assert said.ttl_s == {ip("198.51.100.7"): 900, None: DEFAULT_TTL_S, ip("2001:db8::7"): 30}
    assert said.problems == ()


def test_a_line_that_says_nothing_is_told_and_stops_no_other() -> None:
    said = parse("web 15m\n198.51.100.7 forever\nall 1h now\n198.51.100.8 1m\n")
    assert said.ttl_s == {ip("198.51.100.8"): 60}
    assert [problem.partition(":")[0] for problem in said.problems] == ["line 1", "line 2", "line 3"]


@given(st.text(max_size=200))
def test_any_text_is_understood_or_a_problem_and_every_order_has_an_end(text: str) -> None:
    assert all(SHORTEST_S <= ttl_s <= LONGEST_S for ttl_s in parse(text).ttl_s.values())
