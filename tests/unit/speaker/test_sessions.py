"""Sessions are opened at once, ended at once, and replaced one at a time."""

from speaker.session import SessionSpec
from speaker.sessions import PATIENCE_S, Moves, Sessions
from tests.builders import session


def tor(number: int, password: bytes | None = None) -> SessionSpec:
    return session(f"10.{number}.1.0", f"10.{number}.1.1", password=password)


def running(*specs: SessionSpec) -> Sessions:
    sessions = Sessions()
    assert set(sessions.moves(specs, 0).open) == set(specs)
    for spec in specs:
        sessions.in_sync(spec)
    return sessions


def test_what_is_desired_is_opened_once() -> None:
    sessions = running(tor(1), tor(2))
    assert sessions.moves([tor(1), tor(2)], 1) == Moves()


def test_what_is_not_desired_is_closed_once_and_others_are_left_alone() -> None:
    sessions = running(tor(1), tor(2))
    assert sessions.moves([tor(2)], 1) == Moves(close=(tor(1),))
    assert sessions.moves([tor(2)], 2) == Moves()


def test_a_changed_session_is_opened_when_the_old_one_has_ended() -> None:
    sessions, new = running(tor(1)), tor(1, b"rotated")
    assert sessions.moves([new], 1) == Moves(close=(tor(1),))
    assert sessions.moves([new], 2) == Moves()
    sessions.ended(tor(1))
    assert sessions.moves([new], 3) == Moves(open=(new,))


def test_a_session_taken_back_while_it_closes_is_opened_again() -> None:
    sessions = running(tor(1))
    sessions.moves([], 1)
    assert sessions.moves([tor(1)], 2) == Moves()
    sessions.ended(tor(1))
    assert sessions.moves([tor(1)], 3) == Moves(open=(tor(1),))


def test_of_several_changed_sessions_the_next_waits_until_the_first_is_in_sync() -> None:
    sessions, new = running(tor(1), tor(2)), [tor(1, b"x"), tor(2, b"x")]
    assert sessions.moves(new, 1) == Moves(close=(tor(1),))
    sessions.ended(tor(1))
    assert sessions.moves(new, 2) == Moves(open=(tor(1, b"x"),))
    assert sessions.moves(new, 3) == Moves()
    sessions.in_sync(tor(1, b"x"))
    assert sessions.moves(new, 4) == Moves(close=(tor(2),))


def test_a_replacement_that_does_not_come_up_holds_the_next_for_a_minute_only() -> None:
    sessions, new = running(tor(1), tor(2)), [tor(1, b"x"), tor(2, b"x")]
    sessions.moves(new, 1)
    sessions.ended(tor(1))
    sessions.moves(new, 2)
    assert sessions.moves(new, 2 + PATIENCE_S - 1) == Moves()
    assert sessions.moves(new, 2 + PATIENCE_S) == Moves(close=(tor(2),))


def test_a_replacement_under_way_does_not_hold_up_new_or_unwanted_sessions() -> None:
    sessions = running(tor(1), tor(2))
    sessions.moves([tor(1, b"x"), tor(2)], 1)
    assert sessions.moves([tor(1, b"x"), tor(3)], 2) == Moves(close=(tor(2),), open=(tor(3),))


def test_a_session_that_changes_again_while_it_is_replaced_goes_on() -> None:
    sessions = running(tor(1), tor(2))
    sessions.moves([tor(1, b"x"), tor(2)], 1)
    sessions.ended(tor(1))
    sessions.moves([tor(1, b"x"), tor(2)], 2)
    assert sessions.moves([tor(1, b"y"), tor(2, b"y")], 3) == Moves(close=(tor(1, b"x"),))
    sessions.ended(tor(1, b"x"))
    assert sessions.moves([tor(1, b"y"), tor(2, b"y")], 4) == Moves(open=(tor(1, b"y"),))
    sessions.in_sync(tor(1, b"y"))
    assert sessions.moves([tor(1, b"y"), tor(2, b"y")], 5) == Moves(close=(tor(2),))


def test_a_session_that_shall_be_mute_is_closed_and_opened_again_without_routes() -> None:
    sessions = running(tor(1), tor(2))
    assert sessions.moves([tor(1), tor(2)], 1, mute={tor(1)}) == Moves(close=(tor(1),))
    sessions.ended(tor(1))
    assert sessions.moves([tor(1), tor(2)], 2, mute={tor(1)}) == Moves(open=(tor(1),))
    assert sessions.moves([tor(1), tor(2)], 3, mute={tor(1)}) == Moves()
    assert sessions.running[tor(1)].is_mute
    assert sessions.moves([tor(1), tor(2)], 4) == Moves(speak=(tor(1),))
    assert sessions.moves([tor(1), tor(2)], 5) == Moves()


def test_a_mute_session_that_ends_says_nothing_on_its_way() -> None:
    sessions = Sessions()
    assert sessions.moves([tor(1)], 1, mute={tor(1)}) == Moves(open=(tor(1),))
    assert sessions.moves([], 2) == Moves(close=(tor(1),))
    assert sessions.moves([tor(1)], 3) == Moves()
