"""A peer's OPEN message: what it says about which routes it carries (RFC 4271, 4.2; RFC 5492; RFC 9072). Pure.

Read here from its octets, since ExaBGP decodes either all messages of a peer or none, and a router may send a full table.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bgp_config.names import Family

MULTIPROTOCOL, EXTENDED_NEXT_HOP, GRACEFUL_RESTART = 1, 5, 64
CAPABILITIES = 2
EXTENDED_LENGTH = 255
UNICAST = 1
FIXED_OCTETS = 10
HOLD_TIME = slice(3, 5)
_AFIS = {1: Family.IPV4, 2: Family.IPV6}


@dataclass(frozen=True, slots=True)
class PeerOpen:
    """The families of unicast routes that it carries (RFC 4760); whether IPv4 ones may have IPv6 next hops (RFC 8950).

    `helps_restart`: it keeps the routes of a session that is lost, if the other end asks for that. A router that does not
    restart gracefully itself names no families there (RFC 4724, section 3).
    `hold_time_s` is what the peer proposes; the smaller of both ends' holds (RFC 4271, 4.2).
    """

    families: frozenset[Family]
    extends_next_hops: bool = False
    helps_restart: bool = False
    hold_time_s: int = field(default=0, compare=False)


def read_open(body: bytes) -> PeerOpen:
    """`body` is the message without its header. ValueError if it is cut short."""
    families: set[Family] = set()
    extends = helps = False
    for code, value in _capabilities(body):
        if code == MULTIPROTOCOL and len(value) >= 4 and value[3] == UNICAST:  # noqa: PLR2004 -- AFI, reserved, SAFI
            afi = int.from_bytes(value[:2])
            families.update({_AFIS[afi]} if afi in _AFIS else ())
        elif code == EXTENDED_NEXT_HOP:
            triples = [value[at : at + 6] for at in range(0, len(value), 6)]
            extends = extends or bytes((0, 1, 0, UNICAST, 0, 2)) in triples
        elif code == GRACEFUL_RESTART:
            helps = True
    return PeerOpen(frozenset(families), extends, helps, hold_time_s=int.from_bytes(body[HOLD_TIME]))


def _capabilities(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of each. A peer may put each in a parameter of its own, or all in one."""
    if len(body) < FIXED_OCTETS:
        raise ValueError("an OPEN message is cut short")
    parameters, length_octets = body[FIXED_OCTETS:], 1
    if body[FIXED_OCTETS - 1] == EXTENDED_LENGTH and parameters[:1] == bytes((EXTENDED_LENGTH,)):
        parameters, length_octets = parameters[3:], 2
    for kind, value in _records(parameters, length_octets):
        if kind == CAPABILITIES:
            yield from _records(value, 1)


def _records(octets: bytes, length_octets: int) -> Iterator[tuple[int, bytes]]:
    at, head = 0, 1 + length_octets
    while at < len(octets):
        length = int.from_bytes(octets[at + 1 : at + head])
        end = at + head + length
        if end > len(octets):
            raise ValueError("an OPEN message is cut short")
        yield octets[at], octets[at + head : end]
        at = end
