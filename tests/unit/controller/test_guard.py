from dataclasses import replace

from bgp_config.config import Config
from bgp_config.names import PeerName
from controller.guard import forbidden_prefixes, node_addresses
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
    assert {str(prefix) for prefix in forbidden_prefixes([node], config)} == {
        "10.0.0.1/32",
        "2001:db8::1/128",
        "10.1.1.0/32",
        "10.1.1.1/32",
        "10.2.1.0/32",
    }
    assert node_addresses(node) == {ip("10.0.0.1"), ip("2001:db8::1")}
