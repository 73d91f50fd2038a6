"""What a Service asks for: addresses, a pool, IP families. Pure; reads the Service only.

Addresses: see herald.kube.requested. Pool: the annotation herald-lb.io/address-pool. Families: KEP-563, with what the API
server would fill in where a file leaves it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from bgp_config.names import Family, IPAddress, PoolName
from herald.kube.objects import IPFamilyPolicy, Service
from herald.kube.requested import REQUESTED_POOL, requested_vips

_FAMILIES = {"IPv4": Family.IPV4, "IPv6": Family.IPV6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Addresses by family, all of them among `families`, where these are given.

    `families` in the Service's order; empty when it leaves the choice. How many it gets is for `policy` to say.
    """

    addresses: Mapping[Family, IPAddress]
    pool: PoolName | None
    families: tuple[Family, ...]
    policy: IPFamilyPolicy


@dataclass(frozen=True, slots=True)
class BadRequest:
    """The requested addresses cannot be meant so; `problem` is a sentence about them."""

    problem: str


def read_request(service: Service) -> Request | BadRequest:
    families = tuple(dict.fromkeys(_FAMILIES[name] for name in service.spec.ip_families if name in _FAMILIES))
    policy = _policy(service, families)
    families = _completed(families, policy)
    addresses = _requested_addresses(service)
    if isinstance(addresses, BadRequest):
        return addresses
    if len(addresses) > 1 and policy is IPFamilyPolicy.SINGLE_STACK:
        return BadRequest("addresses of two families are requested, but ipFamilyPolicy is SingleStack")
    for family, address in addresses.items():
        if families and family not in families:
            return BadRequest(f"{address} is not of the Service's ipFamilies")
    pool = service.metadata.annotations.get(REQUESTED_POOL, "").strip()
    return Request(addresses=addresses, pool=PoolName(pool) if pool else None, families=families, policy=policy)


def _policy(service: Service, families: tuple[Family, ...]) -> IPFamilyPolicy:
    """Absent, it is what the API server makes of it: two families need both."""
    if service.spec.ip_family_policy is not None:
        return service.spec.ip_family_policy
    return IPFamilyPolicy.REQUIRE_DUAL_STACK if len(families) > 1 else IPFamilyPolicy.SINGLE_STACK


def _completed(families: tuple[Family, ...], policy: IPFamilyPolicy) -> tuple[Family, ...]:
    """The families that it may get, in its order. PreferDualStack with one family named, as the API server writes it in a
    single-stack cluster, gets that one: nothing would serve the other.
    """
    match policy:
        case IPFamilyPolicy.SINGLE_STACK:
            return families[:1]
        case IPFamilyPolicy.PREFER_DUAL_STACK:
            return families or tuple(Family)
        case IPFamilyPolicy.REQUIRE_DUAL_STACK:
            return (*families, *(family for family in Family if family not in families))


def _requested_addresses(service: Service) -> Mapping[Family, IPAddress] | BadRequest:
    try:
        vips = requested_vips(service)
    except ValueError as error:
        return BadRequest(str(error))
    zoned = next((vip for vip in vips if isinstance(vip, IPv6Address) and vip.scope_id), None)
    return BadRequest(f"{zoned} is an address of one link") if zoned else {Family.of(vip): vip for vip in vips}
