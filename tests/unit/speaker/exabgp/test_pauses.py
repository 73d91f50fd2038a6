"""How often a session that does not live is tried."""

from speaker.exabgp.pauses import GOOD_LIFE_S, TOO_MANY_PREFIXES, Pauses

LONG = GOOD_LIFE_S + 1


def test_the_first_new_start_is_at_once_and_short_lives_make_the_pauses_longer() -> None:
    pauses = Pauses()
    assert [pauses.after(1, None) for _ in range(7)] == [0, 0.25, 0.5, 1, 2, 2, 2]
    assert pauses.after(LONG, (4, 0)) == 0
    assert pauses.after(1, (6, 4)) == 0


def test_after_too_many_prefixes_it_waits_minutes_ever_longer_until_a_session_lives() -> None:
    pauses = Pauses()
    assert pauses.after(LONG, TOO_MANY_PREFIXES) == 60
    assert pauses.is_refused, "one attempt is enough"
    assert [pauses.after(1, error) for error in (None, TOO_MANY_PREFIXES, (6, 5), None)] == [120, 240, 300, 300]
    assert pauses.after(LONG, None) == 0
    assert pauses.after(LONG, TOO_MANY_PREFIXES) == 60


def test_attempts_go_on_while_nobody_has_refused() -> None:
    pauses = Pauses()
    pauses.after(1, (4, 0))
    assert not pauses.is_refused
