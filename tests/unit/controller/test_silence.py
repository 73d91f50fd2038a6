from bgp_config.status.node import SILENCE_S
from controller.silence import Sign, Silence

BEATS = [Sign("node1", "uid", f"2026-01-01T00:00:{second:02}Z") for second in range(60)]


def dead(silence: Silence, now: float) -> list[str]:
    return [sign.name for sign in silence.dead(now)]


def test_a_speaker_is_dead_when_its_heartbeat_has_not_changed_for_the_whole_time_by_our_clock() -> None:
    silence = Silence()
    silence.saw([BEATS[0]], 0.0)
    silence.saw([BEATS[1]], 20.0)
    silence.saw([BEATS[1]], 40.0)
    assert dead(silence, 20.0 + SILENCE_S - 0.1) == []
    assert dead(silence, 20.0 + SILENCE_S) == ["node1"]


def test_it_is_declared_once_until_it_is_heard_again() -> None:
    silence = Silence()
    silence.saw([BEATS[0]], 0.0)
    silence.declared(BEATS[0])
    silence.saw([BEATS[0]], 100.0)
    assert dead(silence, 100.0) == []
    silence.saw([BEATS[1]], 110.0)
    assert dead(silence, 110.0 + SILENCE_S) == ["node1"]


def test_an_object_that_is_gone_is_not_missed_and_made_again_it_is_new() -> None:
    silence = Silence()
    silence.saw([BEATS[0]], 0.0)
    silence.saw([], 10.0)
    assert dead(silence, 1000.0) == []
    silence.saw([BEATS[0]], 1000.0)
    assert dead(silence, 1000.0) == []
