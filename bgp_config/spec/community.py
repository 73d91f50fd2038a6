"""Community: a community value with a name; and how values are written, here and in advertisements."""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated

from pydantic import AfterValidator, Field

from bgp_config.communities import (
    GRACEFUL_SHUTDOWN,
    Community,
    ExtendedCommunity,
    LargeCommunity,
    StandardCommunity,
)
from bgp_config.meaning import NamedCommunity
from bgp_config.names import CommunityName
from bgp_config.spec.base import ObjectSpec, refusal
from bgp_config.spec.cel import Cel

WELL_KNOWN: Mapping[str, StandardCommunity] = {
    "graceful-shutdown": GRACEFUL_SHUTDOWN,
    "accept-own": StandardCommunity(65535, 1),
    "llgr-stale": StandardCommunity(65535, 6),
    "no-llgr": StandardCommunity(65535, 7),
    "blackhole": StandardCommunity(65535, 666),
    "no-export": StandardCommunity(65535, 65281),
    "no-advertise": StandardCommunity(65535, 65282),
    "no-export-subconfed": StandardCommunity(65535, 65283),
    "no-peer": StandardCommunity(65535, 65284),
}
"""IANA's registry "BGP Well-known Communities", in its names."""

_MAX_16, _MAX_32 = 2**16 - 1, 2**32 - 1
_STANDARD_PARTS, _LARGE_PARTS = 2, 3


def read_value(text: str) -> Community:
    """Reads 65000:100, 64512:1:2 (also large:64512:1:2) and target:64512:100. Raises a refusal for anything else."""
    if text.startswith(tuple(_EXTENDED)):
        return _read_extended(text)
    parts = text.removeprefix("large:").split(":")
    is_large = len(parts) == _LARGE_PARTS
    if not all(re.fullmatch("0|[1-9][0-9]*", part) for part in parts) or not (
        is_large or (len(parts) == _STANDARD_PARTS and not text.startswith("large:"))
    ):
        raise refusal(f'"{text}" is not a community', "Write two numbers as in 65000:100, or three as in 64512:1:2.")
    numbers = [int(part) for part in parts]
    limit = _MAX_32 if is_large else _MAX_16
    if max(numbers) > limit:
        hint = f"Each number is at most {limit}." + (
            "" if is_large else " A large community, as in 64512:1:2, has 32 bits each."
        )
        raise refusal(f'"{text}" has a number that is too large', hint)
    return LargeCommunity(*numbers) if is_large else StandardCommunity(*numbers)


def _read_extended(text: str) -> ExtendedCommunity:
    """A route target or route origin (RFC 4360, section 4 and 5; RFC 5668 for long ASNs)."""
    subtype, _, rest = text.partition(":")
    admin_text, _, number_text = rest.partition(":")
    if not re.fullmatch(_NUMBER, number_text):
        raise refusal(f'"{text}" is not an extended community', _EXTENDED_HINT)
    if "." in admin_text:
        kind, admin = _IPV4_KIND, _read_ipv4(admin_text, text)
    elif re.fullmatch(_NUMBER, admin_text):
        admin = int(admin_text)
        kind = _SHORT_AS_KIND if admin <= _MAX_16 else _LONG_AS_KIND
    else:
        raise refusal(f'"{text}" is not an extended community', _EXTENDED_HINT)
    number = int(number_text)
    bits = 32 if kind == _SHORT_AS_KIND else 16
    if number >= 1 << bits or admin > _MAX_32:
        hint = "Behind an ASN up to 65535 is a number of 32 bits, behind a longer one or an address one of 16 bits."
        raise refusal(f'"{text}" has a number that is too large', hint)
    return ExtendedCommunity((kind << 8 | _EXTENDED[f"{subtype}:"]) << 48 | admin << bits | number)


def _read_ipv4(text: str, whole: str) -> int:
    try:
        return int(IPv4Address(text))
    except AddressValueError:
        raise refusal(f'"{whole}" is not an extended community', _EXTENDED_HINT) from None


_NUMBER = "(0|[1-9][0-9]{0,9})"
_EXTENDED: Mapping[str, int] = {"target:": 0x02, "origin:": 0x03}
_SHORT_AS_KIND, _IPV4_KIND, _LONG_AS_KIND = 0x00, 0x01, 0x02
_EXTENDED_HINT = "Write target: or origin:, an ASN or an IPv4 address, and a number, as in target:64512:100."

COMMUNITY_RULE = Cel(
    f"self.matches('^(target|origin):{_NUMBER}:{_NUMBER}$') ? (int(self.split(':')[1]) <= {_MAX_16}"
    f" ? int(self.split(':')[2]) <= {_MAX_32}"
    f" : int(self.split(':')[1]) <= {_MAX_32} && int(self.split(':')[2]) <= {_MAX_16})"
    f" : self.matches('^(target|origin):[0-9]+[.][0-9.]+:{_NUMBER}$')"
    f" ? isIP(self.split(':')[1]) && int(self.split(':')[2]) <= {_MAX_16}"
    f" : self.matches('^{_NUMBER}:{_NUMBER}$') ? self.split(':').all(n, int(n) <= {_MAX_16})"
    f" : self.matches('^(large:)?{_NUMBER}:{_NUMBER}:{_NUMBER}$')"
    f" && self.replace('large:', '').split(':').all(n, int(n) <= {_MAX_32})",
    "must be a community: two 16-bit numbers as 65000:100, three 32-bit numbers as 64512:1:2, or target:64512:100",
)


def _value(text: str) -> str:
    if text in WELL_KNOWN:
        raise refusal(f'"{text}" is a name', f"Write {WELL_KNOWN[text]}, or use {text} in advertisements directly.")
    read_value(text)
    return text


class CommunitySpec(ObjectSpec):
    value: Annotated[str, Field(max_length=40), AfterValidator(_value), COMMUNITY_RULE] = Field(
        description="A standard, large or extended community, in quotes: '65000:100', '64512:1:2' or 'target:64512:100'."
    )

    def meaning(self, name: str) -> NamedCommunity:
        return NamedCommunity(name=CommunityName(name), value=read_value(self.value))
