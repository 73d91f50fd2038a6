"""BFD control packets as values (RFC 5880, section 4.1): bytes in, a packet or the reason to discard it out. Pure.

Any bytes are decoded without an error. What is decoded has passed all of section 6.8.6 that can be judged without knowing
the session. Authentication is not in use, so a packet that carries it is discarded.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from struct import Struct

VERSION = 1
LENGTH = 24
LENGTH_WITH_AUTHENTICATION = 26
_LAYOUT = Struct("!BBBBIIIII")
_POLL, _FINAL, _INDEPENDENT, _AUTHENTICATION, _DEMAND, _MULTIPOINT = 0x20, 0x10, 0x08, 0x04, 0x02, 0x01


class State(IntEnum):
    """Of a session (RFC 5880, section 4.1, Sta)."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3


class Diag(IntEnum):
    """Why a session last left Up (RFC 5880, section 4.1). A peer may say a number that is not listed here."""

    NONE = 0
    DETECTION_TIME_EXPIRED = 1
    ECHO_FAILED = 2
    NEIGHBOR_SIGNALED_DOWN = 3
    FORWARDING_PLANE_RESET = 4
    PATH_DOWN = 5
    CONCATENATED_PATH_DOWN = 6
    ADMINISTRATIVELY_DOWN = 7
    REVERSE_CONCATENATED_PATH_DOWN = 8


class Discard(StrEnum):
    """Why a received packet is not used."""

    TOO_SHORT = "TooShort"
    VERSION = "Version"
    LENGTH = "Length"
    AUTHENTICATION = "Authentication"
    DETECT_MULT = "DetectMult"
    MULTIPOINT = "Multipoint"
    MY_DISCRIMINATOR = "MyDiscriminator"
    YOUR_DISCRIMINATOR = "YourDiscriminator"
    TTL = "TTL"
    NO_SESSION = "NoSession"
    ADDRESS = "Address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """All fields but version, length and authentication. Intervals in microseconds."""

    state: State
    diag: int = Diag.NONE
    poll: bool = False
    final: bool = False
    control_plane_independent: bool = False
    demand: bool = False
    detect_mult: int
    my_discriminator: int
    your_discriminator: int
    desired_min_tx_us: int
    required_min_rx_us: int
    required_min_echo_rx_us: int = 0


def encode(packet: Packet) -> bytes:
    """The packet without authentication."""
    flags = _POLL * packet.poll | _FINAL * packet.final | _DEMAND * packet.demand
    flags |= _INDEPENDENT * packet.control_plane_independent
    return _LAYOUT.pack(
        VERSION << 5 | packet.diag,
        packet.state << 6 | flags,
        packet.detect_mult,
        LENGTH,
        packet.my_discriminator,
        packet.your_discriminator,
        packet.desired_min_tx_us,
        packet.required_min_rx_us,
        packet.required_min_echo_rx_us,
    )


def decode(datagram: bytes) -> Packet | Discard:
    """The rules in the order of section 6.8.6."""
    if len(datagram) < LENGTH:
        return Discard.TOO_SHORT
    first, second, detect_mult, length, mine, yours, desired, required, echo = _LAYOUT.unpack_from(datagram)
    state = State(second >> 6)
    if refused := _refused(first >> 5, second, detect_mult, length, len(datagram)):
        return refused
    if mine == 0:
        return Discard.MY_DISCRIMINATOR
    if yours == 0 and state not in {State.DOWN, State.ADMIN_DOWN}:
        return Discard.YOUR_DISCRIMINATOR
    return Packet(
        state=state,
        diag=first & 0x1F,
        poll=bool(second & _POLL),
        final=bool(second & _FINAL),
        control_plane_independent=bool(second & _INDEPENDENT),
        demand=bool(second & _DEMAND),
        detect_mult=detect_mult,
        my_discriminator=mine,
        your_discriminator=yours,
        desired_min_tx_us=desired,
        required_min_rx_us=required,
        required_min_echo_rx_us=echo,
    )


def _refused(version: int, flags: int, detect_mult: int, length: int, received: int) -> Discard | None:
    authenticated = bool(flags & _AUTHENTICATION)
    if version != VERSION:
        return Discard.VERSION
    if not (LENGTH_WITH_AUTHENTICATION if authenticated else LENGTH) <= length <= received:
        return Discard.LENGTH
    if detect_mult == 0:
        return Discard.DETECT_MULT
    if flags & _MULTIPOINT:
        return Discard.MULTIPOINT
    return Discard.AUTHENTICATION if authenticated else None
