import re
from ipaddress import ip_address, ip_network

import pytest

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.names import ASN, Family
from speaker.exabgp.command import Announce, Command, EndOfRib, Withdraw, line
from speaker.route import PathAttributes

NEXT_HOP = ip_address("10.1.1.1")
PLAIN = PathAttributes(next_hop=NEXT_HOP, as_path=(ASN(64512),))
FULL = PathAttributes(
    next_hop=ip_address("fd00::1"),
    as_path=(ASN(64512), ASN(4_200_000_000)),
    local_pref=0,
    communities=(StandardCommunity(65535, 0), StandardCommunity(1, 2)),
    large_communities=(LargeCommunity(1, 2, 3),),
    extended_communities=(ExtendedCommunity(0x0002_FC00_00000064),),
    med=0,
)
A, B = ip_network("198.51.100.1/32"), ip_network("198.51.100.2/32")
SIX = ip_network("2001:db8::1/128")

LINES: list[tuple[Command, bytes]] = [
    (
        Announce(prefixes=(A,), attributes=PLAIN),
        b"announce route 198.51.100.1/32 next-hop 10.1.1.1 as-path [ 64512 ]\n",
    ),
    (
        Announce(prefixes=(A, B), attributes=PLAIN),
        b"announce attributes next-hop 10.1.1.1 as-path [ 64512 ] nlri 198.51.100.1/32 198.51.100.2/32\n",
    ),
    (
        Announce(prefixes=(SIX,), attributes=FULL),
        (
            b"announce route 2001:db8::1/128 next-hop fd00::1 as-path [ 64512 4200000000 ] local-preference 0 med 0 "
            b"community [ 65535:0 1:2 ] large-community [ 1:2:3 ] extended-community [ 0x0002FC0000000064 ]\n"
        ),
    ),
    (Withdraw(prefixes=(A,), next_hop=NEXT_HOP), b"withdraw route 198.51.100.1/32\n"),
    (
        Withdraw(prefixes=(A, B), next_hop=NEXT_HOP),
        b"withdraw attributes next-hop 10.1.1.1 nlri 198.51.100.1/32 198.51.100.2/32\n",
    ),
    (EndOfRib(family=Family.IPV6), b"announce eor ipv6 unicast\n"),
]


@pytest.mark.parametrize(("command", "expected"), LINES)
def test_each_command_is_one_line_of_exabgps_grammar(command: Command, expected: bytes) -> None:
    assert line(command) == expected


@pytest.mark.parametrize("command", [command for command, _ in LINES])
def test_a_line_holds_nothing_but_the_known_words_and_numbers(command: Command) -> None:
    """ExaBGP obeys a line that contains `shutdown ` or another of its commands wherever it stands."""
    words = {"announce", "withdraw", "route", "attributes", "next-hop", "as-path", "local-preference", "community"}
    words |= {"large-community", "extended-community", "med", "nlri", "eor", "ipv4", "ipv6", "unicast", "[", "]"}
    for word in line(command).decode("ascii").split():
        assert word in words or re.fullmatch(r"(0x)?[0-9a-fA-F:./]+", word)
