"""Nothing outside the pools leaves a node, whatever the objects say."""

from ipaddress import ip_network

import pytest

from bgp_config.names import Prefix
from speaker.guard import Guard, forbidden_addresses
from speaker.reasons import Reason
from tests.builders import config, ip

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
