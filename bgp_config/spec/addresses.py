"""Addresses and prefixes in the one spelling that all programs read alike, and those that no pool or peer may use."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from bgp_config.config import AddressRange
from bgp_config.names import IPAddress, Prefix
from bgp_config.spec.base import refusal

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


def refuse_unusable(addresses: AddressRange, text: str) -> None:
    """Raises a refusal if some of these addresses can never be routed to one host (RFC 6890)."""
    for prefix, purpose in _UNUSABLE:
        if addresses.overlaps(range_of(prefix)):
            article = "an" if purpose == "unspecified" else "a"
            part = f"is {article} {purpose} address" if addresses.size == 1 else f"contains {purpose} addresses"
            raise refusal(f'"{text}" {part} ({prefix})', "Choose unicast addresses that the network can route.")


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


def _unicast_address(text: str) -> str:
    address = read_address(text)
    refuse_unusable(AddressRange(first=address, last=address), text)
    return text


def _unicast_cidr(text: str) -> str:
    refuse_unusable(range_of(_read_cidr(text)), text)
    return text


AddressText = Annotated[str, Field(max_length=45), AfterValidator(_address)]
UnicastAddressText = Annotated[str, Field(max_length=45), AfterValidator(_unicast_address)]
UnicastCIDRText = Annotated[str, Field(max_length=49), AfterValidator(_unicast_cidr)]
