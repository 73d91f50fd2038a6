"""Why a Service has no VIP, or not the one it asks for: one enum, the same word in logs, metrics, status and Events.

The words are part of Herald's interface: they are only ever added to.
"""

from enum import StrEnum


class PendingReason(StrEnum):
    """In the order in which they are looked for."""

    OWNED_BY_ANOTHER = "ownedByAnother"
    DUPLICATE_ADDRESS = "duplicateAddress"
    TERMINATING = "terminating"
    BAD_REQUESTED_IP = "badRequestedIP"
    REQUESTED_POOL_UNKNOWN = "requestedPoolUnknown"
    REQUESTED_IP_NOT_IN_POOL = "requestedIPNotInPool"
    REQUESTED_IP_FORBIDDEN = "requestedIPForbidden"
    REQUESTED_IP_TAKEN = "requestedIPTaken"
    NO_POOL = "noPool"
    FAMILY_NOT_AVAILABLE = "familyNotAvailable"
    POOLS_EXHAUSTED = "poolsExhausted"

    @property
    def remedy(self) -> str:
        """One sentence for the operator: what would change it."""
        return _REMEDIES[self]


_REMEDIES = {
    PendingReason.OWNED_BY_ANOTHER: "let only one controller serve its loadBalancerClass, then clear status.loadBalancer",
    PendingReason.DUPLICATE_ADDRESS: "clear status.loadBalancer of one of the two Services, and it is given another address",
    PendingReason.TERMINATING: "the Service is being deleted and is given nothing new: create it again under another name",
    PendingReason.BAD_REQUESTED_IP: "write addresses separated by commas, at most one of each of the Service's families",
    PendingReason.REQUESTED_POOL_UNKNOWN: "name an AddressPool that exists and is accepted",
    PendingReason.REQUESTED_IP_NOT_IN_POOL: "ask for an address that the pool contains, or add it to the pool",
    PendingReason.REQUESTED_IP_FORBIDDEN: "ask for an address that is not in use by a Node or a BGP peer",
    PendingReason.REQUESTED_IP_TAKEN: "ask for another address, or wait until the Service that holds it gives it up",
    PendingReason.NO_POOL: "create an AddressPool, or name one that has autoAssign off in the Service's annotation",
    PendingReason.FAMILY_NOT_AVAILABLE: "add a block of this family to a pool, or change the Service's ipFamilies",
    PendingReason.POOLS_EXHAUSTED: "add a block to a pool, or delete a Service that holds an address",
}
