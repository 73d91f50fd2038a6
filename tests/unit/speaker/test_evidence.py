"""What is known of the node: the worst counts, each source has one word, and what is taken back is gone."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from herald.kube.objects import ObjectKey
from speaker.evidence import NORMAL, Evidence, Source, Standing, worst
from speaker.reasons import Reason
from speaker.route import RouteState
from tests.builders import ip

WEB, DB = (ObjectKey("default", "web"), ip("198.51.100.1")), (ObjectKey("default", "db"), ip("198.51.100.1"))
LEAST = Standing(RouteState.LEAST_PREFERRED, Reason.DRAINING)
LAST = Standing(RouteState.LAST_RESORT, Reason.HEALTH_CHECK_FAILED)
NONE = Standing(RouteState.WITHDRAWN, Reason.WITHDRAWN_BY_HAND)


def test_the_states_are_ordered_as_routers_prefer_them() -> None:
    assert sorted(RouteState) == [
        RouteState.WITHDRAWN,
        RouteState.LAST_RESORT,
        RouteState.LEAST_PREFERRED,
        RouteState.NORMAL,
    ]


def test_people_see_three_states() -> None:
    assert [state.word for state in RouteState] == ["withdrawn", "least_preferred", "least_preferred", "normal"]


def test_of_several_the_worst_counts_whatever_their_order() -> None:
    for order in itertools.permutations([LEAST, LAST, NONE, NORMAL]):
        assert worst(*order) == NONE
    assert worst() == NORMAL


def test_of_equally_bad_ones_the_source_that_is_listed_first_gives_the_reason() -> None:
    sick, stale = LAST, Standing(RouteState.LAST_RESORT, Reason.STALE)
    for order in ([(Source.HEALTH, sick), (Source.STALE, stale)], [(Source.STALE, stale), (Source.HEALTH, sick)]):
        made = Evidence()
        for source, standing in order:
            made.node(source, standing)
        assert made.of_node == sick


def test_a_vip_has_the_worst_of_its_own_its_address_and_the_node() -> None:
    made = Evidence()
    made.node(Source.DRAIN, LEAST)
    made.vip(Source.HEALTH, WEB, LAST)
    assert (made.of(WEB), made.of(DB), made.of_node) == (LAST, LEAST, LEAST)
    made.vip(Source.BY_HAND, WEB[1], NONE)
    assert (made.of(WEB), made.of(DB)) == (NONE, NONE)


def test_it_tells_whether_a_word_is_new() -> None:
    made = Evidence()
    assert [made.node(Source.DRAIN, each) for each in (None, LEAST, LEAST, LAST, None, None)] == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]
    assert [made.vip(Source.DRAIN, WEB, each) for each in (NORMAL, LEAST, LEAST, NORMAL)] == [False, True, False, True]


words = st.tuples(
    st.sampled_from(Source), st.sampled_from([None, WEB, DB, WEB[1]]), st.sampled_from([None, LEAST, LAST, NONE])
)


@given(st.lists(words))
def test_only_the_last_word_of_each_source_counts_and_nothing_is_left_of_what_was_taken_back(
    said: list[tuple[Source, object, Standing | None]],
) -> None:
    def told(all_of_it: list[tuple[Source, object, Standing | None]]) -> Evidence:
        made = Evidence()
        for source, about, standing in all_of_it:
            if about is None:
                made.node(source, standing)
            else:
                made.vip(source, about, standing)  # type: ignore[arg-type]  # drawn above
        return made

    last = {(source, about): standing for source, about, standing in said}
    made = told(said)
    anew = told([(source, about, standing) for (source, about), standing in last.items()])
    assert [made.of(claim) for claim in (WEB, DB)] == [anew.of(claim) for claim in (WEB, DB)]
    for source, about in last:
        (made.node(source, None) if about is None else made.vip(source, about, None))  # type: ignore[arg-type]
    assert (made.of_node, made.of(WEB), made._of_vip) == (NORMAL, NORMAL, {})
