"""The control protocol's lines are read as they were written, and anything else is refused."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bfd.messages import (
    MessageError,
    ProgramFacts,
    Snapshot,
    StateChange,
    decode_event,
    decode_want,
    encode_change,
    encode_snapshot,
    encode_want,
)
from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status

V4 = Hop(local=ip_address("10.1.1.1"), peer=ip_address("10.1.1.0"))
V6 = Hop(local=ip_address("fe80::1"), peer=ip_address("fe80::2"), interface="tor1")
STATUS = Status(
    hop=V6,
    state=State.DOWN,
    diag=1,
    remote_state=State.UP,
    remote_diag=31,
    since=12.5,
    detection_time_s=0.3,
    peer_detection_time_s=0.9,
    was_up=True,
)


def test_wishes_are_read_as_written() -> None:
    wanted = {V4: Profile(interval_ms=100, multiplier=5), V6: Profile(passive=True)}
    line = encode_want(wanted)
    assert line.endswith(b"}\n")
    assert decode_want(line) == wanted


def test_whether_bgp_is_strict_is_not_for_the_program_to_know() -> None:
    assert encode_want({V4: Profile(strict=True)}) == encode_want({V4: Profile()})


def test_events_are_read_as_written() -> None:
    assert decode_event(encode_snapshot([STATUS])) == Snapshot((STATUS,))
    facts = ProgramFacts(is_real_time=True, is_memory_locked=False, discards={"TTL": 2})
    assert decode_event(encode_snapshot([STATUS], facts)) == Snapshot((STATUS,), facts)
    assert decode_event(encode_change(STATUS)) == StateChange(STATUS)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"type":"want"}',
        b'{"type":"snapshot","sessions":[]}',
        b'{"type":"want","sessions":[{"local":"x","peer":"10.1.1.0","interval_ms":300,"multiplier":3}]}',
        b'{"type":"want","sessions":[{"local":"10.1.1.1","peer":"10.1.1.0","interval_ms":1,"multiplier":3}]}',
        b'{"type":"want","sessions":[{"local":"10.1.1.1","peer":"10.1.1.0","interval_ms":300,"multiplier":256}]}',
        b'{"type":"want","sessions":[{"local":"10.1.1.1","peer":"fe80::1","interval_ms":300,"multiplier":3}]}',
    ],
)
def test_what_is_no_wish_is_refused(line: bytes) -> None:
    with pytest.raises(MessageError):
        decode_want(line)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_and_no_worse(line: bytes) -> None:
    for decode in (decode_want, decode_event):
        with pytest.raises(MessageError):
            decode(line)


def test_fields_of_a_later_version_are_passed_over() -> None:
    line = encode_want({V4: Profile()}).replace(b'"local"', b'"colour":"blue","local"')
    assert decode_want(line) == {V4: Profile()}
