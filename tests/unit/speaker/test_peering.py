"""Which sessions a node keeps, and why a peer has none."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from bgp_config.config import NodeField, NodeValue, Peer, SecretRef
from bgp_config.names import Family, IPAddress, NodeName, PeerName
from bgp_config.selector import LabelSelector, Operator, Requirement
from herald.kube.objects import Metadata, Node, ObjectKey, Secret
from speaker.peering import NodeNetwork, Peering, Source, neighbor_addresses, peering, peers_here
from speaker.reasons import PeerReason
from tests.builders import config, ip, node, peer, secret

ON_LINK = {ip("10.1.1.0"): Source(ip("10.1.1.1"), on_link=True)}
TOR1 = PeerName("tor1")
PASSWORD = SecretRef(namespace="herald-system", name="tor1")


def resolve(
    *peers: Peer,
    this: Node | None = None,
    secrets: Mapping[ObjectKey, Secret] | None = None,
    sources: Mapping[IPAddress, Source] | None = None,
    companions: Mapping[IPAddress, IPAddress] | None = None,
) -> Peering:
    network = NodeNetwork(sources=ON_LINK if sources is None else sources, companions=companions or {})
    return peering(list(peers), NodeName("node1"), this or node(), secrets or {}, network)


def test_the_session_leaves_from_the_address_that_leads_to_the_peer() -> None:
    assert resolve(peer()).sessions[TOR1].local_address == ip("10.1.1.1")


def test_source_address_wins_over_the_kernels_choice() -> None:
    chosen = replace(peer(), source_address=ip("10.0.255.1"))
    assert resolve(chosen, sources={}).sessions[TOR1].local_address == ip("10.0.255.1")


def test_an_unreachable_peer_has_no_source_address() -> None:
    assert resolve(peer(), sources={}).refused == {"tor1": PeerReason.NO_SOURCE_ADDRESS}


def test_an_ebgp_peer_behind_a_gateway_is_not_on_link_but_an_ibgp_peer_may_be_there() -> None:
    behind = {ip("10.1.1.0"): Source(ip("10.2.1.1"), on_link=False)}
    assert resolve(peer(), sources=behind).refused == {"tor1": PeerReason.NOT_ON_LINK}
    internal = peer(peer_asn=65000, local_asn=65000)
    assert resolve(internal, sources=behind).sessions[TOR1].local_address == ip("10.2.1.1")


def test_with_multihop_or_more_hops_of_ttl_security_an_ebgp_peer_may_be_behind_a_gateway() -> None:
    behind = {ip("10.1.1.0"): Source(ip("10.2.1.1"), on_link=False)}
    for far in (replace(peer(), multihop_ttl=5), replace(peer(), ttl_security_hops=3)):
        assert resolve(far, sources=behind).sessions[TOR1].local_address == ip("10.2.1.1")
    near = replace(peer(), ttl_security_hops=1)
    assert resolve(near, sources=behind).refused == {"tor1": PeerReason.NOT_ON_LINK}


@pytest.mark.parametrize(
    ("changed", "ttl", "min_ttl"),
    [
        (peer(), 1, None),
        (peer(peer_asn=65000, local_asn=65000), None, None),
        (replace(peer(), multihop_ttl=7), 7, None),
        (replace(peer(), ttl_security_hops=1), 255, 255),
        (replace(peer(), ttl_security_hops=3), 255, 253),
    ],
)
def test_what_goes_out_reaches_as_far_as_it_must_and_what_comes_in_comes_from_no_further(
    changed: Peer, ttl: int | None, min_ttl: int | None
) -> None:
    spec = resolve(changed).sessions[TOR1]
    assert (spec.ttl, spec.min_ttl) == (ttl, min_ttl)


def test_times_are_those_of_the_peer() -> None:
    spec = resolve(replace(peer(), hold_time_s=30, keepalive_time_s=7, connect_retry_s=20)).sessions[TOR1]
    assert (spec.hold_time_s, spec.keepalive_time_s, spec.connect_retry_s) == (30, 7, 20)


BOTH = frozenset(Family)
V6_PEER = {ip("fd00:1:1::"): Source(ip("fd00:1:1::1"), on_link=True)}


@pytest.mark.parametrize(
    ("address", "companions", "addresses", "next_hops"),
    [
        ("10.1.1.0", {"10.1.1.1": "fd00:1:1::1"}, ["fd00::9"], {4: "10.1.1.1", 6: "fd00:1:1::1"}),
        ("10.1.1.0", {}, ["10.0.255.1", "fd00::9"], {4: "10.1.1.1", 6: "fd00::9"}),
        ("10.1.1.0", {}, ["10.0.255.1"], {4: "10.1.1.1"}),
        ("fd00:1:1::", {"fd00:1:1::1": "10.1.1.1"}, [], {4: "10.1.1.1", 6: "fd00:1:1::1"}),
        ("fd00:1:1::", {}, ["fd00::9", "10.0.255.1"], {4: "10.0.255.1", 6: "fd00:1:1::1"}),
        ("fd00:1:1::", {}, ["fd00::9"], {4: "fd00:1:1::1", 6: "fd00:1:1::1"}),
    ],
)
def test_the_next_hop_of_the_other_family_is_of_the_same_device_else_the_nodes_else_the_sessions_own_by_rfc_8950(
    address: str, companions: dict[str, str], addresses: list[str], next_hops: dict[int, str]
) -> None:
    found = resolve(
        replace(peer(address=address), families=BOTH),
        this=node(addresses=addresses),
        sources=ON_LINK | V6_PEER,
        companions={ip(one): ip(other) for one, other in companions.items()},
    )
    assert found.next_hops[TOR1] == {Family(version): ip(text) for version, text in next_hops.items()}
    assert found.peers[TOR1].families == frozenset(map(Family, next_hops))
    assert found.sessions[TOR1].families == BOTH, "a session is not another one because a next hop comes or goes"


RACK = NodeValue(NodeField.ANNOTATION, "example.com/tor")
ASN_LABEL = NodeValue(NodeField.LABEL, "example.com/asn")


def racked(tor: str | None, asn: str | None = "65001") -> Node:
    labels, annotations = {"example.com/asn": asn} if asn else {}, {"example.com/tor": tor} if tor else {}
    return Node(metadata=Metadata(name="node1", labels=labels, annotations=annotations))


def test_one_object_serves_every_rack_by_what_the_nodes_say() -> None:
    one = replace(peer(), address=RACK, peer_asn=ASN_LABEL, families=None)
    for tor, source, asn in (("10.1.1.0", "10.1.1.1", "65001"), ("fd00:1:1::", "fd00:1:1::1", "4200000000")):
        spec = resolve(one, this=racked(tor, asn), sources=ON_LINK | V6_PEER).sessions[TOR1]
        assert (str(spec.peer_address), str(spec.local_address), spec.peer_asn) == (tor, source, int(asn))
        assert spec.families == {Family.of(ip(tor))}
    assert resolve(replace(peer(), local_asn=ASN_LABEL), this=racked(None, "65001")).sessions[TOR1].is_internal


@pytest.mark.parametrize(
    ("tor", "asn", "reason"),
    [
        (None, "65001", PeerReason.NODE_VALUE_MISSING),
        ("10.1.1.0", None, PeerReason.NODE_VALUE_MISSING),
        ("tor1", "65001", PeerReason.NODE_VALUE_INVALID),
        ("127.0.0.1", "65001", PeerReason.NODE_VALUE_INVALID),
        ("10.1.1.0", "AS65001", PeerReason.NODE_VALUE_INVALID),
        ("10.1.1.0", "23456", PeerReason.NODE_VALUE_INVALID),
        ("10.1.1.0", "4294967296", PeerReason.NODE_VALUE_INVALID),
    ],
)
def test_a_node_that_does_not_say_it_or_says_nonsense_has_no_session_and_a_reason(
    tor: str | None, asn: str | None, reason: PeerReason
) -> None:
    one = replace(peer(), address=RACK, peer_asn=ASN_LABEL)
    assert resolve(one, this=racked(tor, asn)).refused == {"tor1": reason}


@pytest.mark.parametrize("source", ["10.1.1.0", "fd00::1"])
def test_a_source_address_that_does_not_suit_the_address_that_the_node_says_is_refused(source: str) -> None:
    one = replace(peer(), address=RACK, source_address=ip(source))
    assert resolve(one, this=racked("10.1.1.0")).refused == {"tor1": PeerReason.NODE_VALUE_INVALID}


def test_the_addresses_of_neighbors_are_those_that_the_node_tells() -> None:
    peers = [peer(), replace(peer("other"), address=RACK)]
    assert neighbor_addresses(peers, racked("10.7.7.7")) == {ip("10.1.1.0"), ip("10.7.7.7")}
    assert neighbor_addresses(peers, racked(None)) == {ip("10.1.1.0")}
    assert neighbor_addresses(peers, None) == frozenset()


def test_a_password_comes_from_its_secret() -> None:
    asked = replace(peer(), password_secret=PASSWORD)
    known = secret("tor1", "s3cret")
    assert resolve(asked, secrets={known.key: known}).sessions[TOR1].password == b"s3cret"


def base64_secret(value: str, key: str = "password") -> Secret:
    return Secret(metadata=Metadata(name="tor1", namespace="herald-system"), data={key: value})


@pytest.mark.parametrize(
    "unusable",
    [None, secret("tor1", ""), secret("tor1", "x" * 81), base64_secret("!"), base64_secret("czNj", key="pass")],
)
def test_a_session_never_runs_without_the_password_that_is_configured(unusable: Secret | None) -> None:
    secrets = {unusable.key: unusable} if unusable else {}
    found = resolve(replace(peer(), password_secret=PASSWORD), secrets=secrets)
    assert (found.sessions, found.refused) == ({}, {"tor1": PeerReason.PASSWORD_MISSING})


def test_a_password_never_shows_in_a_repr() -> None:
    known = secret("tor1", "s3cret")
    found = resolve(replace(peer(), password_secret=PASSWORD), secrets={known.key: known})
    assert "s3cret" not in repr(found)
    assert "s3cret" not in repr(known)


def test_of_two_peers_with_the_same_ends_the_first_by_name_has_the_session() -> None:
    found = resolve(peer("a"), replace(peer("b"), hold_time_s=9))
    assert (set(found.sessions), found.refused) == ({"a"}, {"b": PeerReason.DUPLICATE_PEER})
    assert set(found.peers) == {"a"}


def test_the_router_id_is_the_peers_else_the_nodes_else_made_from_its_name() -> None:
    explicit = replace(peer(), router_id=IPv4Address("10.9.9.9"))
    assert resolve(explicit).sessions[TOR1].router_id == IPv4Address("10.9.9.9")
    assert resolve(peer()).sessions[TOR1].router_id == IPv4Address("10.0.255.1")
    v6_only = node(addresses=["fd00:0:255::1"])
    made = resolve(peer(), this=v6_only).sessions[TOR1].router_id
    assert made == resolve(peer(), this=v6_only).sessions[TOR1].router_id
    assert made != peering([peer()], NodeName("node2"), v6_only, {}, NodeNetwork(sources=ON_LINK)).sessions[TOR1].router_id


def test_node_selectors_choose_the_nodes_of_a_peer() -> None:
    selector = LabelSelector((Requirement("kubernetes.io/hostname", Operator.IN, frozenset({"node1"})),))
    only = config(peers=[replace(peer("b"), node_selectors=(selector,)), peer("a")])
    assert [p.name for p in peers_here(only, node("node1"))] == ["a", "b"]
    assert [p.name for p in peers_here(only, node("node2"))] == ["a"]
    assert peers_here(only, None) == []


def test_every_reason_has_a_remedy() -> None:
    assert all(reason.remedy for reason in PeerReason)
