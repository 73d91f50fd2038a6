"""Which addresses must never be assigned, whatever the pools say (DESIGN.md, rule 9). Pure."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from bgp_config.config import Config
from bgp_config.names import IPAddress, Prefix, host_prefix
from herald.kube.objects import Node

_NODE_ADDRESS_TYPES = frozenset({"InternalIP", "ExternalIP"})


def forbidden_prefixes(nodes: Iterable[Node], config: Config) -> frozenset[Prefix]:
    """The addresses of all Nodes and both ends of every configured session."""
    return frozenset(host_prefix(address) for address in (*_of_nodes(nodes), *_of_peers(config)))


def node_addresses(node: Node) -> frozenset[IPAddress]:
    """The node's own. An entry that is no IP address, such as a Hostname, is passed over."""
    return frozenset(_of_nodes([node]))


def _of_nodes(nodes: Iterable[Node]) -> Iterator[IPAddress]:
    for node in nodes:
        for entry in node.status.addresses:
            if entry.type in _NODE_ADDRESS_TYPES:
                try:
                    yield ip_address(entry.address)
                except ValueError:
                    continue


def _of_peers(config: Config) -> Iterator[IPAddress]:
    for peer in config.peers.values():
        yield peer.address
        if peer.source_address is not None:
            yield peer.source_address
