"""The session table says what the engine reported, and which prefixes left a wire."""

from ipaddress import ip_network

from speaker.route import PathAttributes
from speaker.session import Closed, Ended, Established, InSync, Programmed, SessionState
from speaker.table import SessionTable
from tests.builders import ip, session

TOR1, TOR2 = session(), session("10.2.1.0", "10.2.1.1")
VIP = ip_network("198.51.100.7/32")
ROUTE = PathAttributes(next_hop=ip("10.1.1.1"))


def up() -> SessionTable:
    table = SessionTable()
    table.apply(Established(TOR1, 1))
    table.apply(Programmed(TOR1, 2, VIP, ROUTE))
    table.apply(InSync(TOR1, 3))
    return table


def test_a_session_is_established_then_in_sync() -> None:
    record = up().records[TOR1]
    assert (record.state, record.since, record.in_sync, record.transitions) == (SessionState.ESTABLISHED, 1, True, 1)


def test_a_route_is_on_the_wire_until_it_is_withdrawn() -> None:
    table = up()
    assert table.is_on_wire(VIP)
    assert table.apply(Programmed(TOR1, 4, VIP, None)) == {VIP}
    assert not table.is_on_wire(VIP)


def test_a_closed_session_has_nothing_on_the_wire_and_keeps_its_last_error() -> None:
    table = up()
    assert table.apply(Closed(TOR1, 4, "hold timer expired")) == {VIP}
    record = table.records[TOR1]
    assert (record.state, record.in_sync, record.last_error) == (SessionState.DOWN, False, "hold timer expired")
    assert not table.is_on_wire(VIP)


def test_a_failed_attempt_is_no_transition() -> None:
    table = SessionTable()
    table.apply(Closed(TOR1, 1, "connection refused"))
    table.apply(Closed(TOR1, 2, "connection refused"))
    assert table.records[TOR1].transitions == 0


def test_a_prefix_on_another_wire_is_still_on_a_wire() -> None:
    table = up()
    table.apply(Programmed(TOR2, 2, VIP, ROUTE))
    table.apply(Programmed(TOR1, 4, VIP, None))
    assert table.is_on_wire(VIP)


def test_an_ended_session_is_forgotten() -> None:
    table = up()
    assert table.apply(Ended(TOR1, 5)) == {VIP}
    assert TOR1 not in table.records


def test_updates_are_counted_not_prefixes_and_the_codes_of_the_last_error_are_kept() -> None:
    table = up()
    table.apply(Programmed(TOR1, 4, VIP, ROUTE, begins_update=True))
    table.apply(Programmed(TOR1, 4, ip_network("198.51.100.8/32"), ROUTE))
    table.apply(Programmed(TOR1, 5, VIP, None, begins_update=True))
    table.apply(Closed(TOR1, 6, "Cease", (6, 2)))
    assert (table.records[TOR1].updates, table.records[TOR1].error) == (2, (6, 2))


def test_the_negotiated_hold_time_is_known_while_the_session_is_up() -> None:
    table = SessionTable()
    table.apply(Established(TOR1, 1, hold_time_s=9))
    assert table.records[TOR1].hold_time_s == 9
    table.apply(Closed(TOR1, 2, "hold timer expired"))
    assert table.records[TOR1].hold_time_s is None
