"""A peer's OPEN, as routers write it."""

import pytest

from bgp_config.names import Family
from speaker.exabgp.open import PeerOpen, read_open

HEAD = bytes.fromhex("04FDE9005A0AFF0001")
"""Version 4, AS 65001, hold time 90, BGP identifier 10.255.0.1."""
IPV4, IPV6 = bytes.fromhex("010400010001"), bytes.fromhex("010400020001")
MULTICAST, VPN = bytes.fromhex("010400010002"), bytes.fromhex("010400190041")
ROUTE_REFRESH, ASN4 = bytes.fromhex("0200"), bytes.fromhex("41040000FDE9")
EXTENDED = bytes.fromhex("0506000100010002")
RESTART_HELPER, RESTART_OF_IPV4 = bytes.fromhex("40020078"), bytes.fromhex("4006807800010180")
OTHER_EXTENDED = bytes.fromhex("050600010080 0002")


def parameter(*capabilities: bytes) -> bytes:
    value = b"".join(capabilities)
    return bytes((2, len(value))) + value


def opened(*parameters: bytes) -> bytes:
    value = b"".join(parameters)
    return HEAD + bytes((len(value),)) + value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (opened(), PeerOpen(frozenset())),
        (opened(parameter(IPV4)), PeerOpen(frozenset({Family.IPV4}))),
        (opened(parameter(IPV4, ROUTE_REFRESH, IPV6, ASN4)), PeerOpen(frozenset(Family))),
        (opened(parameter(IPV4), parameter(ROUTE_REFRESH), parameter(IPV6)), PeerOpen(frozenset(Family))),
        (opened(parameter(MULTICAST), parameter(VPN)), PeerOpen(frozenset())),
        (opened(parameter(IPV4, EXTENDED)), PeerOpen(frozenset({Family.IPV4}), extends_next_hops=True)),
        (opened(parameter(IPV4, RESTART_HELPER)), PeerOpen(frozenset({Family.IPV4}), helps_restart=True)),
        (opened(parameter(IPV4, RESTART_OF_IPV4)), PeerOpen(frozenset({Family.IPV4}), helps_restart=True)),
        (opened(parameter(IPV4, OTHER_EXTENDED)), PeerOpen(frozenset({Family.IPV4}))),
    ],
)
def test_families_extended_next_hops_and_help_with_restarts_are_read(body: bytes, said: PeerOpen) -> None:
    assert read_open(body) == said


def test_parameters_may_be_longer_than_255_octets() -> None:
    """RFC 9072: 255 twice, then lengths of two octets."""
    value = IPV4 + b"\x49\xf0" + bytes(240) + b"\x49\x40" + bytes(64) + IPV6
    parameters = b"\x02" + len(value).to_bytes(2) + value
    assert read_open(HEAD + b"\xff\xff" + len(parameters).to_bytes(2) + parameters) == PeerOpen(frozenset(Family))


@pytest.mark.parametrize("octets", [0, 9, 11, 12, 15])
def test_one_that_is_cut_short_is_refused(octets: int) -> None:
    with pytest.raises(ValueError, match="cut short"):
        read_open(opened(parameter(IPV4))[:octets])


def test_the_hold_time_that_the_peer_proposes_is_read() -> None:
    octets = bytearray(opened(parameter(IPV4)))
    octets[3:5] = (180).to_bytes(2)
    assert read_open(bytes(octets)).hold_time_s == 180
