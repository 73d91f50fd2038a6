"""Orders by hand: bounded in number and time, one for each VIP and way."""

from datetime import UTC, datetime

import pytest

from speaker.by_hand.order import LONGEST_S, MAX_ORDERS, About, Order, Orders, Way, bounded, parse_about, parse_ttl
from tests.builders import ip

VIP = ip("198.51.100.7")
UTC_END = datetime(2026, 1, 1, tzinfo=UTC)


def order(about: About = VIP, until: float = 100.0, way: Way = Way.COMMAND) -> Order:
    return Order(about=about, until=until, until_utc=UTC_END, way=way, who="uid 0")


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("90s", 90), ("15m", 900), ("2h", 7200), ("24h", LONGEST_S)])
def test_a_time_has_a_unit(text: str, seconds: float) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "90", "-1s", "1.5h", "25h", "1d", "86401s", "1h30m", "9999999999s", "٣s"])
def test_a_time_without_a_unit_or_out_of_bounds_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|lasts"):
        parse_ttl(text)


def test_what_is_no_number_is_out_of_bounds() -> None:
    for seconds in (float("nan"), float("inf"), 0.0):
        with pytest.raises(ValueError, match="lasts"):
            bounded(seconds)


def test_it_is_about_a_vip_or_all() -> None:
    assert parse_about("all") is None
    assert parse_about("2001:db8::7") == ip("2001:db8::7")
    with pytest.raises(ValueError, match="everything"):
        parse_about("everything")


def test_a_later_order_about_the_same_takes_the_place_of_the_earlier() -> None:
    orders = Orders()
    orders.give(order(until=100))
    orders.give(order(until=50))
    orders.give(order(until=70, way=Way.FILE))
    assert [each.until for each in orders.in_force] == [50, 70]


def test_each_ends_at_its_time() -> None:
    orders = Orders()
    orders.give(order(until=100))
    orders.give(order(about=None, until=50))
    assert orders.expire(49.9) == []
    assert [each.about for each in orders.expire(50)] == [None]
    assert [each.about for each in orders.in_force] == [VIP]


def test_what_is_cancelled_is_over_by_its_own_way_only() -> None:
    orders = Orders()
    orders.give(order())
    assert orders.cancel(Way.FILE, VIP) is None
    assert orders.cancel(Way.COMMAND, VIP) == order()
    assert orders.in_force == ()


def test_there_are_only_so_many() -> None:
    orders = Orders()
    for number in range(MAX_ORDERS):
        orders.give(order(VIP + number))
    with pytest.raises(ValueError, match="already"):
        orders.give(order(VIP + MAX_ORDERS))
    orders.give(order(VIP, until=7))
    assert len(orders.in_force) == MAX_ORDERS


def test_all_can_be_withdrawn_however_many_orders_there_are() -> None:
    orders = Orders()
    for number in range(MAX_ORDERS):
        orders.give(order(VIP + number))
    orders.give(order(about=None))
    assert orders.in_force[0].about is None
