"""One session against RFC 5880, section 6: states, timers, polls, silence."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bfd.packet import Diag, Packet, State
from speaker.bfd.profile import Profile
from speaker.bfd.session import Changed, Effect, Send, Session

FAST = Profile(interval_ms=100)
DOWN = Packet(
    state=State.DOWN,
    detect_mult=3,
    my_discriminator=7,
    your_discriminator=0,
    desired_min_tx_us=1_000_000,
    required_min_rx_us=100_000,
)
INIT = replace(DOWN, state=State.INIT, your_discriminator=1)
UP = replace(INIT, state=State.UP)
ADMIN_DOWN = replace(DOWN, state=State.ADMIN_DOWN)
FAST_UP = replace(UP, desired_min_tx_us=100_000)
FINAL = replace(FAST_UP, final=True)


def session(profile: Profile = FAST) -> Session:
    return Session(profile=profile, local_discr=1, random=Random(1), now=0.0)  # noqa: S311 -- the same in every run


def up_session(profile: Profile = FAST) -> Session:
    """Up at time 0, its first poll answered."""
    made = session(profile)
    made.receive(DOWN, 0.0)
    made.receive(INIT, 0.0)
    made.receive(FINAL, 0.0)
    assert made.state is State.UP
    made.advance(0.0)
    return made


def sent(effects: list[Effect]) -> list[Packet]:
    return [effect.packet for effect in effects if isinstance(effect, Send)]


def gaps(made: Session, count: int) -> list[float]:
    """Between the next packets, while the peer goes on speaking."""
    times: list[float] = []
    while len(times) <= count:
        deadline = made.deadline
        assert deadline is not None
        if sent(made.advance(deadline)):
            times.append(deadline)
        made.receive(FAST_UP, deadline)
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize(
    ("heard", "state", "diag"),
    [
        ([DOWN], State.INIT, Diag.NONE),
        ([INIT], State.UP, Diag.NONE),
        ([UP], State.DOWN, Diag.NONE),
        ([DOWN, DOWN], State.INIT, Diag.NONE),
        ([DOWN, INIT], State.UP, Diag.NONE),
        ([DOWN, UP], State.UP, Diag.NONE),
        ([DOWN, ADMIN_DOWN], State.DOWN, Diag.NEIGHBOR_SIGNALED_DOWN),
        ([INIT, UP], State.UP, Diag.NONE),
        ([INIT, INIT], State.UP, Diag.NONE),
        ([INIT, DOWN], State.DOWN, Diag.NEIGHBOR_SIGNALED_DOWN),
        ([INIT, ADMIN_DOWN], State.DOWN, Diag.NEIGHBOR_SIGNALED_DOWN),
    ],
)
def test_the_state_machine_is_that_of_section_6_8_6(heard: list[Packet], state: State, diag: Diag) -> None:
    made = session()
    for packet in heard:
        made.receive(packet, 0.0)
    assert (made.state, made.local_diag) == (state, diag)


def test_the_first_packet_leaves_at_once_and_says_one_second_and_independent() -> None:
    (packet,) = sent(session().advance(0.0))
    assert (packet.state, packet.my_discriminator, packet.your_discriminator) == (State.DOWN, 1, 0)
    assert (packet.desired_min_tx_us, packet.required_min_rx_us) == (1_000_000, 100_000)
    assert packet.control_plane_independent


def test_a_change_of_state_is_told_to_the_peer_at_once() -> None:
    made = session()
    made.advance(0.0)
    assert made.receive(DOWN, 0.5) == [Changed(State.DOWN)]
    assert [packet.state for packet in sent(made.advance(0.5))] == [State.INIT]


def test_a_session_that_comes_up_polls_until_the_peer_has_answered() -> None:
    made = session()
    made.receive(DOWN, 0.0)
    made.receive(INIT, 0.0)
    (packet,) = sent(made.advance(0.0))
    assert (packet.state, packet.poll, packet.desired_min_tx_us) == (State.UP, True, 100_000)
    made.receive(UP, 0.01)
    assert sent(made.advance(0.2))[0].poll
    made.receive(FINAL, 0.21)
    assert not sent(made.advance(0.4))[0].poll


def test_a_poll_is_answered_at_once_with_final_and_never_with_poll() -> None:
    made = session()
    made.receive(DOWN, 0.0)
    effects = made.receive(replace(INIT, poll=True), 0.0)
    (answer,) = sent(effects)
    assert (answer.state, answer.final, answer.poll) == (State.UP, True, False)


def test_packets_are_a_quarter_to_nothing_earlier_than_the_interval() -> None:
    made = up_session()
    found = gaps(made, 300)
    assert 0.075 <= min(found) < 0.08
    assert 0.095 < max(found) <= 0.1 + 1e-9


def test_with_multiplier_one_packets_are_never_later_than_nine_tenths() -> None:
    found = gaps(up_session(Profile(interval_ms=100, multiplier=1)), 300)
    assert min(found) >= 0.075
    assert 0.088 < max(found) <= 0.09 + 1e-9


def test_the_slower_of_both_wishes_rules_in_each_direction() -> None:
    made = up_session()
    made.receive(replace(FAST_UP, required_min_rx_us=400_000, desired_min_tx_us=250_000, detect_mult=5), 0.0)
    assert made.transmit_interval_us == 400_000
    assert made.detection_time_us == 5 * 250_000


def test_silence_for_the_detection_time_is_down_and_not_earlier() -> None:
    made = up_session()
    made.receive(FAST_UP, 1.0)
    assert Changed(State.UP) not in made.advance(1.2999)
    assert made.state is State.UP
    effects = made.advance(1.3001)
    assert effects[0] == Changed(State.UP)
    assert (made.state, made.local_diag, made.remote_discr) == (State.DOWN, Diag.DETECTION_TIME_EXPIRED, 0)
    assert [(p.state, p.diag, p.your_discriminator) for p in sent(effects)] == [(State.DOWN, 1, 0)]


def test_a_session_that_went_down_is_slow_again() -> None:
    made = up_session()
    made.advance(1.0)
    assert (made.state, made.desired_min_tx_us) == (State.DOWN, 1_000_000)
    deadline = made.deadline
    assert deadline is not None
    assert 1.75 <= deadline <= 2.0


def test_a_longer_transmit_interval_waits_for_the_peers_answer() -> None:
    made = up_session()
    made.configure(Profile(interval_ms=500), 0.0)
    assert made.transmit_interval_us == 100_000
    (packet,) = sent(made.advance(0.1))
    assert (packet.poll, packet.desired_min_tx_us) == (True, 500_000)
    made.receive(FINAL, 0.1)
    assert made.transmit_interval_us == 500_000


def test_a_shorter_receive_interval_waits_for_the_peers_answer() -> None:
    made = up_session(Profile(interval_ms=500))
    made.receive(FAST_UP, 0.0)
    made.configure(FAST, 0.0)
    assert made.detection_time_us == 1_500_000
    assert made.transmit_interval_us == 100_000
    made.receive(FINAL, 0.1)
    assert made.detection_time_us == 300_000


def test_a_longer_receive_interval_counts_at_once() -> None:
    made = up_session()
    made.configure(Profile(interval_ms=500), 0.0)
    assert made.detection_time_us == 1_500_000


def test_a_change_within_a_poll_sequence_is_polled_again() -> None:
    made = up_session()
    made.configure(Profile(interval_ms=500), 0.0)
    made.configure(Profile(interval_ms=700), 0.0)
    made.receive(FINAL, 0.1)
    assert made.transmit_interval_us == 100_000
    assert sent(made.advance(0.2))[0].poll
    made.receive(FINAL, 0.3)
    assert made.transmit_interval_us == 700_000


def test_a_peer_that_wants_packets_faster_gets_the_next_one_in_time() -> None:
    made = up_session()
    made.receive(replace(FAST_UP, required_min_rx_us=2_000_000, desired_min_tx_us=5_000_000), 0.0)
    made.advance(0.1)
    deadline = made.deadline
    assert deadline is not None
    assert deadline >= 1.5
    made.receive(FAST_UP, 0.15)
    deadline = made.deadline
    assert deadline is not None
    assert deadline <= 0.2


def test_a_peer_that_wants_no_packets_gets_none() -> None:
    made = up_session()
    made.receive(replace(FAST_UP, required_min_rx_us=0), 0.0)
    assert sent(made.advance(0.25)) == []
    made.receive(FAST_UP, 0.26)
    assert sent(made.advance(0.36))


def test_in_demand_mode_only_a_poll_is_sent() -> None:
    made = up_session()
    made.receive(replace(FAST_UP, demand=True), 0.0)
    assert sent(made.advance(0.2)) == []
    made.configure(Profile(interval_ms=200), 0.2)
    assert [packet.poll for packet in sent(made.advance(0.29))] == [True]


def test_the_passive_one_waits_for_the_first_word_and_again_after_silence() -> None:
    made = session(Profile(interval_ms=100, passive=True))
    assert made.deadline is None
    assert made.advance(10.0) == []
    made.receive(DOWN, 10.0)
    assert sent(made.advance(10.0))
    assert made.advance(14.0) == [Changed(State.INIT)]
    assert made.deadline is None


def test_admin_down_is_said_and_kept_whatever_the_peer_says() -> None:
    made = up_session()
    assert made.disable(0.5) == [Changed(State.UP)]
    (packet,) = sent(made.advance(0.5))
    assert (packet.state, packet.diag) == (State.ADMIN_DOWN, Diag.ADMINISTRATIVELY_DOWN)
    for heard in (DOWN, INIT, UP):
        assert made.receive(heard, 0.6) == []
    assert made.state is State.ADMIN_DOWN


def test_admin_down_ends_when_the_session_is_configured_again() -> None:
    made = up_session()
    made.disable(0.5)
    made.configure(FAST, 0.7)
    made.receive(DOWN, 0.7)
    assert made.state is State.INIT


def test_how_long_the_peer_waits_is_known_after_the_session_is_lost() -> None:
    made = up_session(Profile(interval_ms=200, multiplier=4))
    made.receive(replace(FAST_UP, required_min_rx_us=250_000), 0.0)
    made.advance(5.0)
    assert made.peer_detection_time_us == 1_000_000


steps = st.one_of(
    st.builds(
        Packet,
        state=st.sampled_from(State),
        poll=st.booleans(),
        final=st.booleans(),
        demand=st.booleans(),
        detect_mult=st.integers(1, 255),
        my_discriminator=st.integers(1, 9),
        your_discriminator=st.just(1),
        desired_min_tx_us=st.sampled_from([0, 1, 50_000, 100_000, 1_000_000, 2**32 - 1]),
        required_min_rx_us=st.sampled_from([0, 1, 50_000, 100_000, 1_000_000, 2**32 - 1]),
    ),
    st.builds(Profile, interval_ms=st.integers(10, 2000), multiplier=st.integers(1, 5), passive=st.booleans()),
    st.floats(0.0, 5.0),
    st.just("disable"),
)


@given(st.lists(steps, max_size=40))
def test_the_invariants_hold_whatever_happens(history: list[Packet | Profile | float | str]) -> None:
    made, now = session(), 0.0
    for step in history:
        match step:
            case Packet():
                effects = made.receive(step, now)
            case Profile():
                effects = made.configure(step, now)
            case float():
                now += step
                effects = made.advance(now)
            case _:
                effects = made.disable(now)
        assert made.state is State.UP or made.desired_min_tx_us >= 1_000_000
        for packet in sent(effects):
            assert not (packet.poll and packet.final)
            assert packet.my_discriminator == 1
        made.advance(now)
        assert made.deadline is None or made.deadline > now


def test_admin_down_of_the_peer_is_told_also_when_the_session_is_down_already() -> None:
    made = up_session()
    made.advance(10.0)
    assert (made.state, made.was_up) == (State.DOWN, True)
    assert made.receive(ADMIN_DOWN, 11.0) == [Changed(State.DOWN)]
    assert not made.was_up
    assert made.receive(ADMIN_DOWN, 12.0) == []
    assert Changed(State.DOWN) in made.receive(DOWN, 13.0)


def test_a_session_that_was_up_says_so_until_either_end_says_admin_down() -> None:
    made = session()
    made.receive(DOWN, 0.0)
    assert not made.was_up
    made.receive(INIT, 0.1)
    made.receive(replace(UP, state=State.DOWN), 0.2)
    assert (made.state, made.was_up) == (State.DOWN, True)
    made.disable(0.3)
    assert not made.was_up
