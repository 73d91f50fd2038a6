"""AddressPool: which blocks are accepted, what they mean, and what is said about the others."""

from ipaddress import ip_address

import pytest

from bgp_config.config import AddressRange, Pool
from bgp_config.kind import ConfigKind
from bgp_config.names import PoolName
from bgp_config.parse import Accepted, Refused, parse


def pool(**spec: object) -> Pool:
    parsed = parse(ConfigKind.ADDRESS_POOL, "p", spec)
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, Pool)
    return parsed.meaning


def problems(*blocks: object) -> dict[str, str]:
    """Message and hint by path."""
    parsed = parse(ConfigKind.ADDRESS_POOL, "p", {"blocks": list(blocks)})
    assert isinstance(parsed, Refused), parsed
    return {p.path: f"{p.message}. {p.hint}" for p in parsed.problems}


def addresses(first: str, last: str) -> AddressRange:
    return AddressRange(first=ip_address(first), last=ip_address(last))


def test_blocks_keep_their_order_and_may_mix_families_and_forms() -> None:
    blocks = [{"cidr": "2001:db8::/127"}, {"start": "192.0.2.9", "stop": "192.0.2.20"}, {"cidr": "192.0.2.0/29"}]
    ranges = (
        addresses("2001:db8::", "2001:db8::1"),
        addresses("192.0.2.9", "192.0.2.20"),
        addresses("192.0.2.0", "192.0.2.7"),
    )
    assert pool(blocks=blocks) == Pool(name=PoolName("p"), ranges=ranges, auto_assign=True)


def test_auto_assign_can_be_switched_off() -> None:
    assert not pool(blocks=[{"cidr": "192.0.2.0/24"}], autoAssign=False).auto_assign


def test_a_block_may_be_one_address() -> None:
    assert pool(blocks=[{"start": "192.0.2.9", "stop": "192.0.2.9"}]).ranges == (addresses("192.0.2.9", "192.0.2.9"),)


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.0.0.7/24", ['"10.0.0.7/24" has host bits set', "10.0.0.0/24"]),
        ("2001:db8::1/64", ["host bits", "2001:db8::/64"]),
        ("10.0.0.7", ["no prefix length", "10.0.0.7/32"]),
        ("2001:db8::1", ["no prefix length", "2001:db8::1/128"]),
        ("10.0.0.0/33", ["no valid prefix length", "0 to 32"]),
        ("10.0.0.0/024", ["no valid prefix length"]),
        ("10.0.0.0/255.255.255.0", ["no valid prefix length"]),
        ("10.0.0.0/", ["no valid prefix length"]),
        ("10.0.0/24", ['"10.0.0" is not an IP address']),
        ("010.0.0.0/24", ["not an IP address"]),
        ("::ffff:10.0.0.0/120", ["IPv4-mapped", "10.0.0.0"]),
        ("fe80::%eth0/64", ["zone"]),
        ("0.0.0.0/0", ["unspecified"]),
        ("0.1.0.0/16", ["unspecified"]),
        ("127.0.0.0/24", ["loopback"]),
        ("169.254.0.0/24", ["link-local"]),
        ("224.0.1.0/24", ["multicast"]),
        ("240.0.0.0/8", ["reserved"]),
        ("255.255.255.255/32", ['"255.255.255.255/32" is a reserved address']),
        ("::/64", ["unspecified"]),
        ("::1/128", ["loopback"]),
        ("fe80::/64", ["link-local"]),
        ("ff02::/64", ["multicast"]),
    ],
)
def test_an_unusable_prefix_is_refused_with_the_reason(cidr: str, said: list[str]) -> None:
    found = problems({"cidr": cidr})
    assert list(found) == ["spec.blocks[0].cidr"]
    assert all(part in found["spec.blocks[0].cidr"] for part in said)


@pytest.mark.parametrize(
    ("start", "stop", "said"),
    [
        ("10.0.0.9", "10.0.0.3", ["stop 10.0.0.3 comes before start 10.0.0.9", "start 10.0.0.3, stop 10.0.0.9"]),
        ("10.0.0.9", "2001:db8::9", ["different families"]),
        ("126.255.255.0", "128.0.0.9", ['"126.255.255.0-128.0.0.9" contains loopback addresses']),
        ("10.0.0.9", "10.0.0.x", ["not an IP address"]),
    ],
)
def test_a_stop_that_does_not_fit_its_start_is_refused(start: str, stop: str, said: list[str]) -> None:
    found = problems({"start": start, "stop": stop})
    assert list(found) == ["spec.blocks[0].stop"]
    assert all(part in found["spec.blocks[0].stop"] for part in said)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({}, "is empty"),
        ({"start": "10.0.0.1"}, "has start"),
        ({"stop": "10.0.0.1"}, "has stop"),
        ({"cidr": "10.0.0.0/24", "start": "10.0.1.1", "stop": "10.0.1.2"}, "has cidr and start and stop"),
        ({"cidr": "10.0.0.0/24", "start": "10.0.1.1"}, "has cidr and start"),
    ],
)
def test_a_block_has_one_form(block: object, said: str) -> None:
    found = problems(block)
    assert found["spec.blocks[0]"].startswith(f"{said}. Give either")


def test_blocks_of_one_pool_must_not_overlap_and_each_overlap_is_named() -> None:
    blocks = [
        {"cidr": "10.0.0.0/24"},
        {"cidr": "bad"},
        {"cidr": "10.0.0.0/24"},
        {"start": "10.0.0.255", "stop": "10.0.1.0"},
        {"cidr": "10.0.2.0/24"},
    ]
    found = problems(*blocks)
    assert list(found) == ["spec.blocks[1].cidr", "spec.blocks[2]", "spec.blocks[3]"]
    assert "10.0.0.0/24 overlaps 10.0.0.0/24" in found["spec.blocks[2]"]
    assert "10.0.0.255-10.0.1.0 overlaps 10.0.0.0/24" in found["spec.blocks[3]"]


def test_blocks_are_required_and_bounded() -> None:
    assert "must not be empty" in problems()["spec.blocks"]
    parsed = parse(ConfigKind.ADDRESS_POOL, "p", {})
    assert isinstance(parsed, Refused)
    assert parsed.problems[0].message == "is required"
    many = problems(*({"cidr": f"10.{i // 256}.{i % 256}.0/24"} for i in range(257)))
    assert many["spec.blocks"].startswith("has more than 256 items")
