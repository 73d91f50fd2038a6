"""Which addresses must never be assigned, whatever the pools say (DESIGN.md, rule 9). Pure."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address, ip_network

from bgp_config.config import Config, NodeValue
from bgp_config.names import IPAddress, Prefix, host_prefix
from herald.kube.node_value import address_on
from herald.kube.objects import Node, ServiceCIDR

_NODE_ADDRESS_TYPES = frozenset({"InternalIP", "ExternalIP"})


def forbidden_prefixes(nodes: Iterable[Node], service_cidrs: Iterable[ServiceCIDR], config: Config) -> frozenset[Prefix]:
    """The addresses of all Nodes, both ends of every configured session, and the cluster's own Service addresses."""
    nodes = tuple(nodes)
    hosts = (*_of_nodes(nodes), *_of_peers(nodes, config))
    return frozenset((*(host_prefix(address) for address in hosts), *_networks(service_cidrs)))


def _of_nodes(nodes: Iterable[Node]) -> Iterator[IPAddress]:
    for node in nodes:
        for entry in node.status.addresses:
            if entry.type in _NODE_ADDRESS_TYPES:
                try:
                    yield ip_address(entry.address)
                except ValueError:
                    continue


def _of_peers(nodes: Iterable[Node], config: Config) -> Iterator[IPAddress]:
    for peer in config.peers.values():
        if peer.source_address is not None:
            yield peer.source_address
        if isinstance(peer.address, NodeValue):
            yield from _said_by_nodes(nodes, peer.address)
        else:
            yield peer.address


def _said_by_nodes(nodes: Iterable[Node], value: NodeValue) -> Iterator[IPAddress]:
    """The addresses of a peer that each Node names for itself."""
    for node in nodes:
        with suppress(KeyError, ValueError):
            yield address_on(node, value)


def _networks(service_cidrs: Iterable[ServiceCIDR]) -> Iterator[Prefix]:
    for each in service_cidrs:
        for text in each.spec.cidrs:
            with suppress(ValueError):
                yield ip_network(text)
