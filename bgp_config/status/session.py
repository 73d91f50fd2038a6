"""BGPSession: one BGP session of one node, as its speaker sees it. The leading controller says Unknown for a dead speaker.

Status only: the object has no spec and is made, named and owned by the speaker of its node.
"""

import hashlib
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from bgp_config.names import NodeName, PeerName
from bgp_config.status.base import ASNumber, Number, Status, Text, Time, Word
from bgp_config.status.condition import Conditions

_Byte = Annotated[int, Meta(ge=0, le=255)]
_Seconds = Annotated[int, Meta(ge=0, le=65535)]
_MAX_NAME = 253
_DIGEST = 8


class State(StrEnum):
    """Established is the FSM's state of that name (RFC 4271, section 8.2.2), Down all others."""

    ESTABLISHED = "Established"
    DOWN = "Down"
    UNKNOWN = "Unknown"


class SessionError(Status, frozen=True, kw_only=True):
    """Why the session last ended or could not be made. Codes are those of a NOTIFICATION (RFC 4271, section 4.5)."""

    code: Annotated[_Byte | None, Meta(description="The NOTIFICATION's code; absent if there was none.")] = None
    subcode: Annotated[_Byte | None, Meta(description="The NOTIFICATION's subcode.")] = None
    text: Annotated[Text, Meta(description="What happened, for people.")]
    at: Annotated[Time, Meta(description="When it happened.")]


class BFDState(StrEnum):
    """Of a BFD session (RFC 5880, section 4.1)."""

    ADMIN_DOWN = "AdminDown"
    DOWN = "Down"
    INIT = "Init"
    UP = "Up"
    UNKNOWN = "Unknown"


class SessionBFD(Status, frozen=True, kw_only=True):
    """How BFD is on the session's link, where the peer has a BFDProfile."""

    state: Annotated[BFDState, Meta(description="Of the BFD session; Unknown while the node's BFD program does not tell.")]
    since: Annotated[Time | None, Meta(description="When state last became another.")] = None
    diagnostic: Annotated[
        Word | None, Meta(description="Why it last left Up, as in RFC 5880, section 4.1; absent if nothing is wrong.")
    ] = None
    detection_time_milliseconds: Annotated[
        Number | None, Meta(description="How long the router may be silent, as negotiated; absent before it has spoken.")
    ] = None
    reason: Annotated[
        Word | None, Meta(description="Why BFD keeps the BGP session closed or without routes; absent if it does not.")
    ] = None


class BGPSessionStatus(Status, frozen=True, kw_only=True):
    """Written by the speaker of the node."""

    node: Annotated[Word, Meta(description="The node that keeps the session.")]
    peer: Annotated[Word, Meta(description="The BGPPeer that asks for the session.")]
    peer_address: Annotated[Word, Meta(description="The router's address.")]
    local_address: Annotated[Word | None, Meta(description="The node's end; absent while the node has no route.")] = None
    peer_asn: Annotated[ASNumber, Meta(description="The router's ASN.")] = msgspec.field(name="peerASN")
    local_asn: Annotated[ASNumber, Meta(description="The node's ASN.")] = msgspec.field(name="localASN")
    state: Annotated[State, Meta(description="Established, Down, or Unknown when the node's speaker is not heard of.")]
    since: Annotated[Time, Meta(description="When state last became another.")]
    hold_time_seconds: Annotated[
        _Seconds | None, Meta(description="The negotiated hold time; while the session is down the one that is offered.")
    ] = None
    prefixes: Annotated[Number, Meta(description="Prefixes that are announced to the peer now.")]
    last_error: Annotated[SessionError | None, Meta(description="Why the session last ended or could not be made.")] = None
    bfd: Annotated[SessionBFD | None, Meta(description="How BFD is; absent where the peer is not watched by it.")] = None
    conditions: Conditions = ()


def session_name(node: NodeName, peer: PeerName) -> str:
    """The name of the BGPSession of a node with a peer. No two pairs have one: a peer's name that has dots is digested."""
    name = f"{node}.{peer}"
    if "." not in peer and len(name) <= _MAX_NAME:
        return name
    digest = hashlib.sha256(f"{node}/{peer}".encode()).hexdigest()[:_DIGEST]
    return f"{name[: _MAX_NAME - _DIGEST - 1].rstrip('-.')}-{digest}"
