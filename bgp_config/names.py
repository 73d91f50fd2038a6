"""The words that everything else is written in: names, numbers and addresses, told apart by type."""

from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NewType

ASN = NewType("ASN", int)
PoolName = NewType("PoolName", str)
PeerName = NewType("PeerName", str)
AdvertisementName = NewType("AdvertisementName", str)
CommunityName = NewType("CommunityName", str)
BFDProfileName = NewType("BFDProfileName", str)
HealthCheckName = NewType("HealthCheckName", str)
DrainName = NewType("DrainName", str)
NodeName = NewType("NodeName", str)

IPAddress = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network


class Family(IntEnum):
    """IP version. In BGP the AFI of unicast routes of that version (RFC 4760)."""

    IPV4 = 4
    IPV6 = 6

    @staticmethod
    def of(value: IPAddress | Prefix) -> "Family":
        return Family(value.version)


def host_prefix(address: IPAddress) -> Prefix:
    """The /32 or /128 that holds only this address."""
    if isinstance(address, IPv4Address):
        return IPv4Network(address)
    return IPv6Network(address)
