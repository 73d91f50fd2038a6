"""What a Node says of the values that a BGPPeer leaves to the Nodes: by a label or an annotation. Pure.

Raises KeyError if the Node does not say it, ValueError if it says what cannot be.
"""

from bgp_config.config import NodeField, NodeValue
from bgp_config.names import ASN, IPAddress
from bgp_config.spec.addresses import read_unicast_address
from bgp_config.spec.peer import read_asn
from herald.kube.objects import Node


def address_on(node: Node, said: IPAddress | NodeValue) -> IPAddress:
    return read_unicast_address(_text(node, said)) if isinstance(said, NodeValue) else said


def asn_on(node: Node, said: ASN | NodeValue) -> ASN:
    return read_asn(_text(node, said)) if isinstance(said, NodeValue) else said


def _text(node: Node, value: NodeValue) -> str:
    return (node.metadata.labels if value.field is NodeField.LABEL else node.metadata.annotations)[value.key]
