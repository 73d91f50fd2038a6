"""Adj-RIBs-Out hand on the last word per prefix, and only what changed."""

from ipaddress import ip_network

from speaker.rib import AdjRibsOut
from speaker.route import PathAttributes
from tests.builders import ip, session

TOR1, TOR2 = session(), session("10.2.1.0", "10.2.1.1")
VIP = ip_network("198.51.100.7/32")
PLAIN = PathAttributes(next_hop=ip("10.1.1.1"))
LOUD = PathAttributes(next_hop=ip("10.1.1.1"), local_pref=200)


def ribs() -> AdjRibsOut:
    made = AdjRibsOut()
    made.keep_sessions([TOR1, TOR2])
    return made


def test_a_route_is_a_change_for_the_sessions_that_announce_it_only() -> None:
    made = ribs()
    made.replace(VIP, {TOR1: PLAIN})
    assert made.take_changes() == {TOR1: {VIP: PLAIN}}
    assert made.take_changes() == {}


def test_the_same_route_again_is_no_change() -> None:
    made = ribs()
    made.replace(VIP, {TOR1: PLAIN})
    made.take_changes()
    made.replace(VIP, {TOR1: PLAIN})
    assert made.take_changes() == {}


def test_the_last_word_counts() -> None:
    made = ribs()
    made.replace(VIP, {TOR1: PLAIN, TOR2: PLAIN})
    made.replace(VIP, {TOR1: LOUD})
    assert made.take_changes() == {TOR1: {VIP: LOUD}, TOR2: {VIP: None}}
    assert dict(made.table(TOR1)) == {VIP: LOUD}


def test_a_session_that_is_dropped_takes_its_table_and_changes_along() -> None:
    made = ribs()
    made.replace(VIP, {TOR1: PLAIN, TOR2: PLAIN})
    made.keep_sessions([TOR2])
    assert made.take_changes() == {TOR2: {VIP: PLAIN}}
    made.keep_sessions([TOR1, TOR2])
    assert dict(made.table(TOR1)) == {}


def test_an_announcement_that_must_wait_is_taken_later_and_a_withdrawal_at_once() -> None:
    made = ribs()
    made.replace(VIP, {TOR1: PLAIN})
    assert made.take_changes(lambda _: True) == {}
    assert made.take_changes() == {TOR1: {VIP: PLAIN}}
    made.replace(VIP, {})
    assert made.take_withdrawals() == {TOR1: {VIP: None}}
    assert made.take_changes() == {}
