"""What a BGPPeer says on one node: what it leaves to the Nodes is looked up in this Node's labels or annotations. Pure."""

from dataclasses import dataclass

from bgp_config.config import Peer
from bgp_config.names import ASN, Family, IPAddress, PeerName
from herald.kube.node_value import address_on, asn_on
from herald.kube.objects import Node
from speaker.reasons import PeerReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A peer as it is for this node, with nothing left open; `peer` says the rest."""

    peer: Peer
    address: IPAddress
    local_asn: ASN
    peer_asn: ASN

    @property
    def name(self) -> PeerName:
        return self.peer.name

    @property
    def families(self) -> frozenset[Family]:
        return self.peer.families or frozenset({Family.of(self.address)})

    @property
    def is_internal(self) -> bool:
        """IBGP: both ends in one AS, so LOCAL_PREF is sent and the AS path is left alone (RFC 4271, 5.1.5)."""
        return self.local_asn == self.peer_asn


def localize(peer: Peer, node: Node) -> Neighbor | PeerReason:
    """A reason if the Node does not say what is left to it."""
    try:
        neighbor = Neighbor(
            peer=peer,
            address=address_on(node, peer.address),
            local_asn=asn_on(node, peer.local_asn),
            peer_asn=asn_on(node, peer.peer_asn),
        )
    except KeyError:
        return PeerReason.NODE_VALUE_MISSING
    except ValueError:
        return PeerReason.NODE_VALUE_INVALID
    source = peer.source_address
    if source is not None and (source == neighbor.address or source.version != neighbor.address.version):
        return PeerReason.NODE_VALUE_INVALID
    return neighbor
