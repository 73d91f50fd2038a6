"""Nothing outside the pools leaves a node, whatever the objects say."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from bgp_config.config import AddressRange, Pool
from bgp_config.names import PoolName, Prefix
from speaker.guard import Guard, forbidden_addresses
from speaker.reasons import Reason
from tests.builders import advertisement, config, ip, pool

GUARD = Guard(config(), forbidden_addresses([ip("198.51.100.1")], [ip("198.51.100.2")]))


@pytest.mark.parametrize(
    ("prefix", "permitted"),
    [
        ("198.51.100.7/32", True),
        ("198.51.100.1/32", False),
        ("198.51.100.2/32", False),
        ("198.51.100.0/24", False),
        ("198.51.100.0/31", False),
        ("203.0.113.7/32", False),
        ("0.0.0.0/0", False),
        ("2001:db8::7/128", False),
    ],
)
def test_only_host_routes_of_pool_addresses_that_are_nobodys_pass(prefix: str, permitted: bool) -> None:  # noqa: FBT001
    assert GUARD.permits(ip_network(prefix)) is permitted


def test_announcements_that_must_not_leave_are_found_and_withdrawals_pass() -> None:
    inside, outside, gone = ip_network("198.51.100.7/32"), ip_network("203.0.113.7/32"), ip_network("203.0.113.8/32")
    changes: dict[Prefix, object] = {inside: "attributes", outside: "attributes", gone: None}
    assert GUARD.leaks(changes) == [outside]


def test_a_refusal_has_its_reason() -> None:
    assert GUARD.refusal(ip("198.51.100.7")) is None
    assert GUARD.refusal(ip("203.0.113.7")) is Reason.NOT_IN_POOL
    assert GUARD.refusal(ip("198.51.100.1")) is Reason.FORBIDDEN_ADDRESS


def test_the_clusters_own_service_addresses_never_leave() -> None:
    guard = Guard(config(), service_ranges=(ip_network("198.51.100.0/29"), ip_network("2001:db8::/64")))
    assert guard.refusal(ip("198.51.100.7")) is Reason.FORBIDDEN_ADDRESS
    assert guard.refusal(ip("198.51.100.8")) is None


TO_25 = replace(advertisement(), aggregation_length_v4=25)


@pytest.mark.parametrize(
    ("prefix", "permitted"),
    [
        ("198.51.100.0/25", True),
        ("198.51.100.128/25", True),
        ("198.51.100.7/32", True),
        ("198.51.100.0/24", False),
        ("198.51.100.0/26", False),
        ("198.51.101.0/25", False),
    ],
)
def test_of_aggregates_exactly_the_length_that_is_asked_for_passes(prefix: str, permitted: bool) -> None:  # noqa: FBT001
    assert Guard(config(advertisements=[advertisement("other"), TO_25])).permits(ip_network(prefix)) is permitted


def test_an_aggregate_holds_no_address_that_must_not_be_announced() -> None:
    conf, low, high = config(advertisements=[TO_25]), ip_network("198.51.100.0/25"), ip_network("198.51.100.128/25")
    for guard in (
        Guard(conf, frozenset({ip("198.51.100.9"), ip("2001:db8::1")})),
        Guard(conf, service_ranges=(ip_network("198.51.100.8/30"), ip_network("2001:db8::/64"))),
        Guard(conf, service_ranges=(ip_network("198.51.100.0/25"),)),
    ):
        assert (guard.permits(low), guard.permits(high)) == (False, True)


def test_an_aggregate_is_asked_for_by_an_advertisement_of_its_own_pool() -> None:
    pools = [pool(), pool("other", "203.0.113.0", "203.0.113.255")]
    guard = Guard(config(pools=pools, advertisements=[replace(TO_25, pools=frozenset({PoolName("other")}))]))
    assert guard.permits(ip_network("203.0.113.0/25"))
    assert not guard.permits(ip_network("198.51.100.0/25"))


def test_an_aggregate_may_span_blocks_of_its_pool_that_leave_no_gap() -> None:
    def of(*blocks: tuple[int, int]) -> Guard:
        base = ip("198.51.100.0")
        ranges = tuple(AddressRange(first=base + first, last=base + last) for first, last in blocks)
        return Guard(config(pools=[Pool(name=PoolName("default"), ranges=ranges)], advertisements=[TO_25]))

    prefix = ip_network("198.51.100.0/25")
    assert of((64, 200), (0, 63)).permits(prefix)
    assert not of((0, 63), (65, 200)).permits(prefix)
    assert not of((0, 126)).permits(prefix)
