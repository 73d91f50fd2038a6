"""Which sessions a node keeps, and why a peer has none."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from bgp_config.config import Peer, SecretRef
from bgp_config.names import IPAddress, NodeName, PeerName
from bgp_config.selector import LabelSelector, Operator, Requirement
from herald.kube.objects import Metadata, Node, ObjectKey, Secret
from speaker.peering import Peering, Source, peering, peers_here
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
) -> Peering:
    known = ON_LINK if sources is None else sources
    return peering(list(peers), NodeName("node1"), this or node(), secrets or {}, known)


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
    assert made != peering([peer()], NodeName("node2"), v6_only, {}, ON_LINK).sessions[TOR1].router_id


def test_node_selectors_choose_the_nodes_of_a_peer() -> None:
    selector = LabelSelector((Requirement("kubernetes.io/hostname", Operator.IN, frozenset({"node1"})),))
    only = config(peers=[replace(peer("b"), node_selectors=(selector,)), peer("a")])
    assert [p.name for p in peers_here(only, node("node1"))] == ["a", "b"]
    assert [p.name for p in peers_here(only, node("node2"))] == ["a"]
    assert peers_here(only, None) == []


def test_every_reason_has_a_remedy() -> None:
    assert all(reason.remedy for reason in PeerReason)
