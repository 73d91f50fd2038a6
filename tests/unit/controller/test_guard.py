from dataclasses import replace

from bgp_config.config import Config, NodeField, NodeValue
from bgp_config.names import PeerName
from controller.guard import forbidden_prefixes
from herald.kube.objects import Metadata, Node, NodeAddress, NodeStatus
from tests.builders import ip, peer


def test_the_addresses_of_nodes_and_both_ends_of_sessions_are_forbidden() -> None:
    addresses = [
        ("InternalIP", "10.0.0.1"),
        ("ExternalIP", "2001:db8::1"),
        ("Hostname", "node1"),
        ("InternalIP", "nonsense"),
    ]
    node = Node(
        metadata=Metadata(name="node1"),
        status=NodeStatus(addresses=[NodeAddress(type=type_, address=address) for type_, address in addresses]),
    )
    tor = replace(peer("tor1", "10.1.1.0"), source_address=ip("10.1.1.1"))
    config = Config(peers={PeerName("tor1"): tor, PeerName("tor2"): peer("tor2", "10.2.1.0")})
    assert {str(prefix) for prefix in forbidden_prefixes([node], [], config)} == {
        "10.0.0.1/32",
        "2001:db8::1/128",
        "10.1.1.0/32",
        "10.1.1.1/32",
        "10.2.1.0/32",
    }


def test_the_addresses_of_peers_that_nodes_name_are_forbidden_whatever_other_nodes_say() -> None:
    one = replace(peer("tor1"), address=NodeValue(NodeField.LABEL, "example.com/tor"))
    labels = [{"example.com/tor": "10.1.1.0"}, {"example.com/tor": "10.2.2.0"}, {"example.com/tor": "x"}, {}]
    nodes = [Node(metadata=Metadata(name=f"node{number}", labels=each)) for number, each in enumerate(labels)]
    found = forbidden_prefixes(nodes, [], Config(peers={PeerName("tor1"): one}))
    assert {str(prefix) for prefix in found} == {"10.1.1.0/32", "10.2.2.0/32"}
