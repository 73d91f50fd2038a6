"""Names of BGPSession objects, and how a status is written."""

from datetime import UTC, datetime

import msgspec

from bgp_config.names import ASN, NodeName, PeerName
from bgp_config.status.session import BGPSessionStatus, SessionError, State, session_name


def named(node: str, peer: str) -> str:
    return session_name(NodeName(node), PeerName(peer))


def test_a_session_is_named_by_node_and_peer() -> None:
    assert named("node1.example.com", "tor1") == "node1.example.com.tor1"


def test_no_two_pairs_have_one_name() -> None:
    pairs = [("a", "b.c"), ("a.b", "c"), ("a", "b"), ("a.b", "b.c"), ("a", "b.b.c"), ("a.b.b", "c")]
    assert len({named(*pair) for pair in pairs}) == len(pairs)


def test_a_long_name_is_cut_and_still_a_name_of_its_own() -> None:
    names = {named("n" * 250, f"tor{i}") for i in range(10)} | {named("n" * 243 + ".", "x" * 20)}
    assert len(names) == 11
    assert all(len(name) <= 253 and ".-" not in name for name in names)


def test_what_is_not_known_is_absent_and_never_null() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    status = BGPSessionStatus(
        node="node1",
        peer="tor1",
        peer_address="10.1.1.0",
        peer_asn=ASN(65001),
        local_asn=ASN(64512),
        state=State.DOWN,
        since=at,
        prefixes=0,
        last_error=SessionError(text="connection refused", at=at),
    )
    assert msgspec.json.decode(msgspec.json.encode(status)) == {
        "node": "node1",
        "peer": "tor1",
        "peerAddress": "10.1.1.0",
        "peerASN": 65001,
        "localASN": 64512,
        "state": "Down",
        "since": "2026-01-01T00:00:00Z",
        "prefixes": 0,
        "lastError": {"text": "connection refused", "at": "2026-01-01T00:00:00Z"},
    }
