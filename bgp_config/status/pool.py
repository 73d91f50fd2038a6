"""AddressPool: its conditions and how much of it is in use. Written by the leading controller."""

from typing import Annotated

from msgspec import Meta

from bgp_config.status.base import Number, Status
from bgp_config.status.condition import Conditions


class PoolUse(Status, frozen=True, kw_only=True):
    total: Annotated[Number, Meta(description="Addresses that Services may be given; what is larger shows as 2^53 - 1.")]
    used: Annotated[Number, Meta(description="Addresses that Services hold.")]


class AddressPoolStatus(Status, frozen=True, kw_only=True):
    """Written by the leading controller. A family that the pool has no addresses of is absent."""

    ipv4: Annotated[PoolUse | None, Meta(description="Of its IPv4 addresses.")] = None
    ipv6: Annotated[PoolUse | None, Meta(description="Of its IPv6 addresses.")] = None
    conditions: Conditions = ()
