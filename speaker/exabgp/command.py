"""The commands that ExaBGP gets, as types, and their one line each. Pure.

Lines are built from numbers, addresses and the words below, never from text of elsewhere: ExaBGP obeys any line that
contains one of its command words, wherever it stands.
"""

from dataclasses import dataclass
from typing import TypeAlias

from bgp_config.names import Family, IPAddress, Prefix
from speaker.exabgp.config import family_name
from speaker.route import PathAttributes

MAX_PREFIXES = 48
"""In one line: ExaBGP takes about 50 in one turn of its loop, and longer lines are slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """1 to MAX_PREFIXES prefixes of one family with the same attributes."""

    prefixes: tuple[Prefix, ...]
    attributes: PathAttributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """1 to MAX_PREFIXES prefixes of one family. The next hop says nothing in a withdrawal; ExaBGP's parser wants one."""

    prefixes: tuple[Prefix, ...]
    next_hop: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfRib:
    """RFC 4724, section 2."""

    family: Family


Command: TypeAlias = Announce | Withdraw | EndOfRib


def line(command: Command) -> bytes:
    """As written to ExaBGP, with its end of line."""
    match command:
        case Announce(prefixes=(prefix,), attributes=attributes):
            text = f"announce route {prefix} {_attributes(attributes)}"
        case Announce(prefixes=prefixes, attributes=attributes):
            text = f"announce attributes {_attributes(attributes)} nlri {' '.join(map(str, prefixes))}"
        case Withdraw(prefixes=(prefix,)):
            text = f"withdraw route {prefix}"
        case Withdraw(prefixes=prefixes, next_hop=next_hop):
            text = f"withdraw attributes next-hop {next_hop} nlri {' '.join(map(str, prefixes))}"
        case EndOfRib(family=family):
            text = f"announce eor {family_name(family)}"
    return text.encode("ascii") + b"\n"


def _attributes(attributes: PathAttributes) -> str:
    words = [f"next-hop {attributes.next_hop}"]
    if attributes.as_path:
        words.append(f"as-path [ {' '.join(str(asn) for asn in attributes.as_path)} ]")
    if attributes.local_pref is not None:
        words.append(f"local-preference {attributes.local_pref}")
    if attributes.med is not None:
        words.append(f"med {attributes.med}")
    if attributes.communities:
        words.append(f"community [ {' '.join(map(str, attributes.communities))} ]")
    if attributes.large_communities:
        words.append(f"large-community [ {' '.join(map(str, attributes.large_communities))} ]")
    if attributes.extended_communities:
        words.append(f"extended-community [ {' '.join(map(str, attributes.extended_communities))} ]")
    return " ".join(words)
