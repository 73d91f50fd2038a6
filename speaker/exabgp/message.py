"""What ExaBGP says on its API, as types: one line in, one message out. Pure.

An answer is `done` or `error`; an event is a line of JSON. Only the fields used are read. Lines that are neither, and
events that say nothing here, become Unknown: they are named, never fatal. The samples are ExaBGP 5.0.15's.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TypeAlias

import msgspec

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.names import ASN, Family, Prefix
from speaker.exabgp.config import family_name
from speaker.exabgp.open import PeerOpen, read_open
from speaker.route import PathAttributes

_FAMILIES = {family_name(family): family for family in Family}


@dataclass(frozen=True, slots=True)
class Done:
    """The oldest command is in ExaBGP's table; it says nothing about the wire."""


@dataclass(frozen=True, slots=True)
class Error:
    """A command was refused. Which one and why, ExaBGP does not say."""


@dataclass(frozen=True, slots=True)
class Up:
    """Established."""


@dataclass(frozen=True, slots=True)
class Down:
    """The session, or an attempt, is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An UPDATE went on the wire: `announced` with what attributes, and `withdrawn`, prefixes as ExaBGP writes them."""

    announced: tuple[tuple[PathAttributes, tuple[str, ...]], ...]
    withdrawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndOfRibSent:
    """End-of-RIB went on the wire."""

    family: Family


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that says nothing here."""

    text: str
    malformed: bool


Message: TypeAlias = Done | Error | PeerOpen | Up | Down | Sent | EndOfRibSent | Unknown

_DONE, _ERROR = Done(), Error()
_EXCERPT = 200


class _Nlri(msgspec.Struct):
    nlri: str = ""


class _Segment(msgspec.Struct):
    value: tuple[int, ...] = ()


class _Extended(msgspec.Struct):
    value: int = 0


class _Attribute(msgspec.Struct):
    as_path: dict[str, _Segment] = msgspec.field(default_factory=dict, name="as-path")
    local_preference: int | None = msgspec.field(default=None, name="local-preference")
    med: int | None = None
    community: tuple[tuple[int, int], ...] = ()
    large_community: tuple[tuple[int, int, int], ...] = msgspec.field(default=(), name="large-community")
    extended_community: tuple[_Extended, ...] = msgspec.field(default=(), name="extended-community")


class _Update(msgspec.Struct):
    attribute: _Attribute = msgspec.field(default_factory=_Attribute)
    announce: dict[str, dict[str, list[_Nlri]]] = msgspec.field(default_factory=dict)
    withdraw: dict[str, list[_Nlri]] = msgspec.field(default_factory=dict)


class _EndOfRib(msgspec.Struct):
    afi: str = ""
    safi: str = ""


class _Body(msgspec.Struct):
    update: _Update | None = None
    eor: _EndOfRib | None = None
    body: str = ""


class _Neighbor(msgspec.Struct):
    state: str = ""
    reason: str = ""
    direction: str = ""
    message: _Body | None = None


class _Event(msgspec.Struct):
    type: str = ""
    neighbor: _Neighbor | None = None


_decoder = msgspec.json.Decoder(_Event)


def parse(line: bytes) -> Message:
    """One line without its end."""
    if line == b"done":
        return _DONE
    if line == b"error":
        return _ERROR
    try:
        return _meaning(_decoder.decode(line)) or _unknown(line, malformed=False)
    except (msgspec.MsgspecError, ValueError):
        return _unknown(line, malformed=True)


def prefix_of(text: str) -> Prefix:
    """Of a prefix as ExaBGP writes it; ValueError for what is none."""
    return ip_network(text)


def _meaning(event: _Event) -> Message | None:
    match event:
        case _Event(type="update", neighbor=_Neighbor(direction="send", message=_Body(update=_Update() as update))):
            return Sent(_announced(update), tuple(n.nlri for family in update.withdraw.values() for n in family))
        case _Event(type="update", neighbor=_Neighbor(direction="send", message=_Body(eor=_EndOfRib() as eor))):
            family = _FAMILIES.get(f"{eor.afi} {eor.safi}")
            return None if family is None else EndOfRibSent(family)
        case _Event(type="state", neighbor=_Neighbor(state="up")):
            return Up()
        case _Event(type="state", neighbor=_Neighbor(state="down", reason=reason)):
            return Down(reason)
        case _Event(type="open", neighbor=_Neighbor(direction="receive", message=_Body(body=body))):
            return read_open(bytes.fromhex(body.removeprefix("0x")))
    return None


def _announced(update: _Update) -> tuple[tuple[PathAttributes, tuple[str, ...]], ...]:
    attribute = update.attribute
    as_path = tuple(ASN(asn) for segment in attribute.as_path.values() for asn in segment.value)
    communities = tuple(StandardCommunity(*value) for value in attribute.community)
    large_communities = tuple(LargeCommunity(*value) for value in attribute.large_community)
    extended_communities = tuple(ExtendedCommunity(each.value) for each in attribute.extended_community)
    return tuple(
        (
            PathAttributes(
                next_hop=_address(next_hop),
                as_path=as_path,
                local_pref=attribute.local_preference,
                med=attribute.med,
                communities=communities,
                large_communities=large_communities,
                extended_communities=extended_communities,
            ),
            tuple(n.nlri for n in nlris),
        )
        for family in update.announce.values()
        for next_hop, nlris in family.items()
    )


_address = lru_cache(maxsize=64)(ip_address)


def _unknown(line: bytes, *, malformed: bool) -> Unknown:
    return Unknown(line[:_EXCERPT].decode("ascii", "backslashreplace"), malformed)
