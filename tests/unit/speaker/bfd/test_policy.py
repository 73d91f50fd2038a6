"""What becomes of a BGP session when BFD speaks, in the order that BFD speaks."""

from dataclasses import replace

from speaker.bfd.packet import State
from speaker.bfd.policy import History, Standing, judge, observe
from speaker.bfd.profile import Profile
from speaker.bfd.status import Status
from tests.unit.speaker.bfd.build import UP

LOOSE, STRICT = Profile(), Profile(strict=True)


def status(state: State, since: float, remote: State = State.UP, *, was_up: bool = True) -> Status:
    return replace(
        UP,
        state=state,
        remote_state=remote,
        since=since,
        detection_time_s=3.0,
        peer_detection_time_s=0.9,
        was_up=was_up and remote is not State.ADMIN_DOWN,
    )


def history(*said: Status) -> History:
    seen = History()
    for one in said:
        seen = observe(seen, one)
    return seen


UP_DOWN = history(status(State.UP, 10.0), status(State.DOWN, 20.0))


def flaps(*times: float) -> History:
    return history(*(s for at in times for s in (status(State.UP, at - 1), status(State.DOWN, at))))


def test_before_bfd_was_up_bgp_is_open_unless_the_profile_is_strict() -> None:
    for seen in (History(), *(history(status(state, 1.0, was_up=False)) for state in (State.DOWN, State.INIT))):
        assert judge(seen, LOOSE, 5.0).may_announce
        assert judge(seen, STRICT, 5.0).standing is Standing.AWAITED
        assert not judge(seen, STRICT, 5.0).may_announce


def test_bgp_is_closed_a_detection_time_of_the_peer_after_the_failure() -> None:
    during, after = judge(UP_DOWN, LOOSE, 20.89), judge(UP_DOWN, LOOSE, 20.91)
    assert (during.standing, during.may_announce, during.review_at) == (Standing.FAILING, True, 20.9)
    assert (after.standing, after.may_announce, after.review_at) == (Standing.DOWN, False, None)


def test_a_failure_that_is_over_within_the_detection_time_closes_nothing() -> None:
    seen = observe(UP_DOWN, status(State.UP, 20.5))
    assert judge(seen, LOOSE, 20.6).may_announce
    assert judge(seen, LOOSE, 30.0).standing is Standing.UP


def test_without_bfd_bgp_connects_again_since_a_router_may_begin_bfd_only_then_but_a_strict_one_does_not() -> None:
    assert judge(UP_DOWN, LOOSE, 1000.0).may_connect
    assert judge(UP_DOWN, STRICT, 1000.0).standing is Standing.AWAITED
    assert not judge(UP_DOWN, STRICT, 1000.0).may_connect


def test_routes_return_only_with_bfd() -> None:
    seen = observe(UP_DOWN, status(State.INIT, 25.0, State.DOWN))
    assert not judge(seen, LOOSE, 1000.0).may_announce
    assert judge(observe(seen, status(State.UP, 1001.0)), LOOSE, 1001.0).may_announce


def test_a_peer_that_ends_bfd_on_purpose_keeps_its_bgp_session() -> None:
    ended = history(status(State.UP, 10.0), status(State.DOWN, 20.0, State.ADMIN_DOWN))
    for profile in (LOOSE, STRICT):
        assert judge(ended, profile, 100.0).standing is Standing.NOT_IN_USE
        assert judge(ended, profile, 100.0).may_announce
    again = observe(ended, status(State.INIT, 30.0, State.DOWN, was_up=False))
    assert judge(again, LOOSE, 30.0).may_announce


def test_a_peer_that_ends_bfd_on_purpose_while_it_is_down_opens_bgp_again() -> None:
    assert judge(observe(UP_DOWN, status(State.DOWN, 20.0, State.ADMIN_DOWN)), LOOSE, 30.0).may_announce


def test_a_program_that_has_just_started_closes_nothing() -> None:
    seen = history(status(State.UP, 10.0), status(State.DOWN, 20.0, State.DOWN, was_up=False))
    assert judge(seen, LOOSE, 30.0).standing is Standing.UNKNOWN
    assert seen.failures == ()


def test_a_speaker_that_has_just_started_closes_bgp_where_bfd_was_up_before() -> None:
    assert judge(history(status(State.DOWN, 20.0)), LOOSE, 30.0).standing is Standing.DOWN


def test_after_three_failures_in_a_minute_bgp_stays_closed_for_a_minute_after_the_last() -> None:
    seen = observe(flaps(100.0, 130.0, 159.0), status(State.UP, 160.0))
    assert judge(seen, LOOSE, 159.5).standing is Standing.FAILING
    held = judge(seen, LOOSE, 161.0)
    assert (held.standing, held.may_announce, held.review_at) == (Standing.HELD_DOWN, False, 219.0)
    assert judge(seen, LOOSE, 219.0).standing is Standing.UP


def test_three_failures_in_more_than_a_minute_hold_nothing_down() -> None:
    seen = observe(flaps(100.0, 130.0, 160.1), status(State.UP, 161.0))
    assert judge(seen, LOOSE, 161.1).standing is Standing.UP


def test_a_failure_while_held_down_opens_nothing_and_starts_the_minute_again() -> None:
    seen = observe(flaps(100.0, 110.0, 120.0, 130.0), status(State.UP, 130.5))
    assert not judge(seen, LOOSE, 130.6).may_announce
    assert judge(seen, LOOSE, 189.9).standing is Standing.HELD_DOWN
    assert judge(seen, LOOSE, 190.0).standing is Standing.UP


def test_ends_on_purpose_are_no_flaps() -> None:
    seen = History()
    for at in (1.0, 2.0, 3.0, 4.0):
        seen = observe(seen, status(State.UP, at))
        seen = observe(seen, status(State.DOWN, at + 0.5, State.ADMIN_DOWN))
    assert seen.failures == ()
