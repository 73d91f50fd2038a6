import pytest

from bgp_config.names import Family
from controller.request import BadRequest, Request, read_request
from herald.kube.objects import IPFamilyPolicy, Service
from tests.builders import ip
from tests.unit.controller.build import PREFER, REQUIRE, SINGLE, lb

V4, V6 = Family.IPV4, Family.IPV6


def read(service: Service) -> Request:
    request = read_request(service)
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("families", "policy", "meant"),
    [
        ([], None, (SINGLE, ())),
        (["IPv6"], None, (SINGLE, (V6,))),
        (["IPv6", "IPv4"], None, (REQUIRE, (V6, V4))),
        (["IPv6", "IPv4"], SINGLE, (SINGLE, (V6,))),
        ([], PREFER, (PREFER, (V4, V6))),
        (["IPv6", "IPv4"], PREFER, (PREFER, (V6, V4))),
        (["IPv4"], PREFER, (PREFER, (V4,))),
        ([], REQUIRE, (REQUIRE, (V4, V6))),
        (["IPv6"], REQUIRE, (REQUIRE, (V6, V4))),
    ],
)
def test_families_are_those_that_the_api_server_would_fill_in(
    families: list[str], policy: IPFamilyPolicy | None, meant: tuple[IPFamilyPolicy, tuple[Family, ...]]
) -> None:
    request = read(lb(families=families, policy=policy))
    assert (request.policy, request.families) == meant


def test_addresses_are_told_apart_by_family() -> None:
    request = read(lb(ips="2001:db8::1, 198.51.100.1", policy=REQUIRE))
    assert request.addresses == {V4: ip("198.51.100.1"), V6: ip("2001:db8::1")}


def test_the_deprecated_field_counts_where_there_is_no_annotation() -> None:
    assert read(lb(load_balancer_ip="198.51.100.1")).addresses == {V4: ip("198.51.100.1")}
    assert read(lb(load_balancer_ip="198.51.100.1", ips="198.51.100.2")).addresses == {V4: ip("198.51.100.2")}


def test_a_pool_is_asked_for_by_name() -> None:
    assert read(lb(pool=" blue ")).pool == "blue"
    assert read(lb(pool="")).pool is None
    assert read(lb()).pool is None


@pytest.mark.parametrize(
    "service",
    [
        lb(ips="198.51.100"),
        lb(load_balancer_ip="lb.example.com"),
        lb(ips="198.51.100.1,198.51.100.2"),
        lb(ips="198.51.100.1,2001:db8::1", policy=SINGLE),
        lb(ips="198.51.100.1,2001:db8::1"),
        lb(ips="2001:db8::1", families=["IPv4"]),
        lb(ips="fe80::1%eth0"),
    ],
)
def test_what_cannot_be_meant_so_is_a_bad_request_that_says_why(service: Service) -> None:
    request = read_request(service)
    assert isinstance(request, BadRequest)
    assert request.problem
