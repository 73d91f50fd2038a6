"""Addresses and prefixes in the one spelling that all programs read alike, and those that no pool or peer may use."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from bgp_config.config import AddressRange
from bgp_config.names import IPAddress, Prefix
from bgp_config.parser_only import ParserOnly
from bgp_config.spec.base import refusal
from bgp_config.spec.cel import Cel

_UNUSABLE: Sequence[tuple[Prefix, str]] = [
    (ip_network("0.0.0.0/8"), "unspecified"),
    (ip_network("127.0.0.0/8"), "loopback"),
    (ip_network("169.254.0.0/16"), "link-local"),
    (ip_network("224.0.0.0/4"), "multicast"),
    (ip_network("240.0.0.0/4"), "reserved"),
    (ip_network("::/128"), "unspecified"),
    (ip_network("::1/128"), "loopback"),
    (ip_network("fe80::/10"), "link-local"),
    (ip_network("ff00::/8"), "multicast"),
]


def range_of(prefix: Prefix) -> AddressRange:
    return AddressRange(first=prefix[0], last=prefix[-1])


def refuse_unusable(addresses: AddressRange, text: str, parser_only: ParserOnly | None = None) -> None:
    """Raises a refusal if some of these addresses can never be routed to one host (RFC 6890)."""
    for prefix, purpose in _UNUSABLE:
        if addresses.overlaps(range_of(prefix)):
            article = "an" if purpose == "unspecified" else "a"
            part = f"is {article} {purpose} address" if addresses.size == 1 else f"contains {purpose} addresses"
            hint = "Choose unicast addresses that the network can route."
            raise refusal(f'"{text}" {part} ({prefix})', hint, parser_only)


def read_address(text: str) -> IPAddress:
    """Raises a refusal unless this is one plain IPv4 or IPv6 address."""
    try:
        address = ip_address(text)
    except ValueError:
        hint = "Write an IPv4 or IPv6 address, such as 192.0.2.1 or 2001:db8::1."
        raise refusal(f'"{text}" is not an IP address', hint) from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise refusal(f'"{text}" names a zone', "Zones belong to link-local addresses; give a routable address.")
        if address.ipv4_mapped is not None:
            raise refusal(f'"{text}" is an IPv4-mapped address', f"Write {address.ipv4_mapped}.")
    return address


def _read_cidr(text: str) -> Prefix:
    address_text, slash, length = text.partition("/")
    address = read_address(address_text)
    if not slash:
        whole = f"{text}/{address.max_prefixlen}"
        raise refusal(f'"{text}" has no prefix length', f"Write {whole} for this one address.")
    if length not in map(str, range(address.max_prefixlen + 1)):
        hint = f"Write {address_text}/N with N from 0 to {address.max_prefixlen}."
        raise refusal(f'"{text}" has no valid prefix length', hint)
    prefix = ip_network(text, strict=False)
    if prefix.network_address != address:
        raise refusal(f'"{text}" has host bits set', f"Write {prefix}, or give start and stop instead.")
    return prefix


def _address(text: str) -> str:
    read_address(text)
    return text


def read_unicast_address(text: str) -> IPAddress:
    """Raises a refusal unless this is the address of one host."""
    address = read_address(text)
    refuse_unusable(AddressRange(first=address, last=address), text)
    return address


def _unicast_address(text: str) -> str:
    read_unicast_address(text)
    return text


def _unicast_cidr(text: str) -> str:
    refuse_unusable(range_of(_read_cidr(text)), text)
    return text


_UNUSABLE_LIST = str([str(prefix) for prefix, _ in _UNUSABLE])
_NOT_UNICAST = "must not be unspecified, loopback, link-local, multicast or reserved"
_IS_ADDRESS = Cel("isIP(self)", "must be an IPv4 or IPv6 address, such as 192.0.2.1 or 2001:db8::1")
_IS_CIDR = Cel("isCIDR(self) && cidr(self) == cidr(self).masked()", "must be a prefix without host bits, as 198.51.100.0/24")
_IS_UNICAST = Cel(f"!isIP(self) || !{_UNUSABLE_LIST}.exists(p, cidr(p).containsIP(ip(self)))", _NOT_UNICAST)
_IS_UNICAST_CIDR = Cel(
    "!isCIDR(self)"
    f" || !{_UNUSABLE_LIST}.exists(p, cidr(p).containsIP(cidr(self).ip()) || cidr(self).containsIP(cidr(p).ip()))",
    _NOT_UNICAST,
)

AddressText = Annotated[str, Field(max_length=45), AfterValidator(_address), _IS_ADDRESS]
UnicastAddressText = Annotated[str, Field(max_length=45), AfterValidator(_unicast_address), _IS_ADDRESS, _IS_UNICAST]
UnicastCIDRText = Annotated[str, Field(max_length=49), AfterValidator(_unicast_cidr), _IS_CIDR, _IS_UNICAST_CIDR]
