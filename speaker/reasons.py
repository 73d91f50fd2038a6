"""Why a VIP is not announced or not normally, or a peer has no session: one enum each, the same word everywhere.

The words are part of Herald's interface: they are only ever added to.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why this node does not announce a VIP of a Service, not to all peers that shall have it, or only as least preferred.

    Listed in the order in which they are looked for; the worst of several counts, and the first of those.
    """

    NODE_UNKNOWN = "nodeUnknown"
    NODE_EXCLUDED = "nodeExcluded"
    NODE_NETWORK_UNAVAILABLE = "nodeNetworkUnavailable"
    NODE_DELETING = "nodeDeleting"
    OTHER_CLASS = "otherClass"
    NOT_ASSIGNED = "notAssigned"
    NOT_IN_POOL = "notInPool"
    FORBIDDEN_ADDRESS = "forbiddenAddress"
    DUPLICATE_ADDRESS = "duplicateAddress"
    NO_ADVERTISEMENT = "noAdvertisement"
    NO_PEER = "noPeer"
    AGGREGATE_FORBIDDEN = "aggregateForbidden"
    PREFIX_LIMIT = "prefixLimit"
    PREFIX_LIMIT_SOMEWHERE = "prefixLimitSomewhere"
    NO_ENDPOINT = "noEndpoint"
    NO_LOCAL_ENDPOINT = "noLocalEndpoint"
    FLAPPING = "flapping"
    TERMINATING = "terminating"
    WITHDRAWN_BY_HAND = "withdrawnByHand"
    DRAINING = "draining"
    DRAINED = "drained"
    HEALTH_CHECK_FAILED = "healthCheckFailed"
    DATA_PATH_TIMEOUT = "dataPathTimeout"
    DATA_PATH_SILENT = "dataPathSilent"
    STALE = "stale"
    DATA_PATH_PENDING = "dataPathPending"

    @property
    def remedy(self) -> str:
        """One sentence for the operator: what it means and what would change it."""
        return _REMEDIES[self]


_REMEDIES = {
    Reason.NODE_UNKNOWN: "this node's Node object is not known: check that --node-name is its name",
    Reason.NODE_EXCLUDED: "the node has the label node.kubernetes.io/exclude-from-external-load-balancers: remove it",
    Reason.NODE_NETWORK_UNAVAILABLE: "the node's condition NetworkUnavailable is True: its network is not ready",
    Reason.NODE_DELETING: "the node is being deleted, or its taints say so: least preferred for 30 s, then withdrawn",
    Reason.OTHER_CLASS: "spec.loadBalancerClass names another load balancer",
    Reason.NOT_ASSIGNED: "the Service has no VIP yet: its status or the controller's log says why",
    Reason.NOT_IN_POOL: "no accepted AddressPool contains the VIP: add one that does",
    Reason.FORBIDDEN_ADDRESS: "the VIP is the address of a node, a peer or this host, or a ServiceCIDR has it: exclude it",
    Reason.DUPLICATE_ADDRESS: "an older Service holds the same VIP: clear this one's status",
    Reason.NO_ADVERTISEMENT: "no BGPAdvertisement selects the pool, the Service and this node together",
    Reason.NO_PEER: "no BGPPeer of the VIP's family that the advertisement names has a session on this node",
    Reason.AGGREGATE_FORBIDDEN: "the prefix of aggregationLength leaves the pool, or a node, peer or ServiceCIDR is in it",
    Reason.PREFIX_LIMIT: "older Services have all that maxPrefixes of the BGPPeer allows: raise it with the router's",
    Reason.PREFIX_LIMIT_SOMEWHERE: "as prefixLimit, at some of the peers that shall have it; the others have it",
    Reason.NO_ENDPOINT: "no endpoint of the Service is serving, on any node",
    Reason.NO_LOCAL_ENDPOINT: "externalTrafficPolicy is Local and no endpoint on this node is serving",
    Reason.FLAPPING: "its endpoints here came and went again and again: announced once they stay ready for up to a minute",
    Reason.TERMINATING: "its endpoints here are ending and still answer: least preferred until they are gone",
    Reason.WITHDRAWN_BY_HAND: "somebody ran `herald withdraw --local` on the node or wrote the switch file: see its log",
    Reason.DRAINING: "a Drain selects the node: least preferred for its drainSeconds, then withdrawn",
    Reason.DRAINED: "a Drain selects the node: end it with `herald undrain NODE`",
    Reason.HEALTH_CHECK_FAILED: "a HealthCheck finds no endpoint here healthy: look at the Pods on this node",
    Reason.DATA_PATH_TIMEOUT: "kube-proxy did not tell in time that it has its rules: normal once it does; see its log",
    Reason.DATA_PATH_SILENT: "kube-proxy has not answered for a minute: least preferred until it does; see its log",
    Reason.STALE: "the node has not heard from the API server for --max-stale: least preferred until it does",
    Reason.DATA_PATH_PENDING: "kube-proxy does not have its rules yet: announced once it has, or soon as least preferred",
}


class PeerReason(StrEnum):
    """Why a BGPPeer that selects this node has no session."""

    NODE_VALUE_MISSING = "nodeValueMissing"
    NODE_VALUE_INVALID = "nodeValueInvalid"
    PASSWORD_MISSING = "passwordMissing"  # noqa: S105 -- the name of a reason
    NOT_ON_LINK = "notOnLink"
    NO_SOURCE_ADDRESS = "noSourceAddress"
    DUPLICATE_PEER = "duplicatePeer"
    BFD_DOWN = "bfdDown"
    BFD_AWAITED = "bfdAwaited"
    BFD_HELD_DOWN = "bfdHeldDown"

    @property
    def remedy(self) -> str:
        """One sentence for the operator."""
        return _PEER_REMEDIES[self]


_PEER_REMEDIES = {
    PeerReason.NODE_VALUE_MISSING: "this Node lacks the label or annotation that the peer takes an address or ASN from",
    PeerReason.NODE_VALUE_INVALID: "this Node's label or annotation is no usable address or ASN, or not for sourceAddress",
    PeerReason.PASSWORD_MISSING: "spec.passwordSecret names a Secret that does not exist or has no usable key `password`",
    PeerReason.NOT_ON_LINK: "peerAddress is on no network of this node: set spec.multihop for an eBGP peer some hops away",
    PeerReason.NO_SOURCE_ADDRESS: "this node has no address to reach the peer from: check routes, or set spec.sourceAddress",
    PeerReason.DUPLICATE_PEER: "another BGPPeer says the same or has the same peer and source address: keep one of them",
    PeerReason.BFD_DOWN: "BFD was up and does not hear the router: the session opens when it does, or says AdminDown",
    PeerReason.BFD_AWAITED: "the BFDProfile is strict and BFD is not up yet: check BFD on the router and `herald bfd` here",
    PeerReason.BFD_HELD_DOWN: "BFD went down three times in a minute: the session opens a minute after the last time",
}
