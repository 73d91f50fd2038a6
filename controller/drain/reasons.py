"""Why a node that a Drain is about is not granted yet: one enum, the same word in status, conditions and logs.

The words are part of Herald's interface: they are only ever added to.
"""

from enum import StrEnum


class WaitReason(StrEnum):
    """In the order in which they are looked for."""

    TOO_MANY_NODES = "tooManyNodes"
    OTHER_DRAIN_UNREADABLE = "otherDrainUnreadable"
    NODE_UNKNOWN = "nodeUnknown"
    MAX_CONCURRENT_DRAINS = "maxConcurrentDrains"
    NOT_LOOKED_YET = "notLookedYet"
    LAST_ANNOUNCER = "lastAnnouncer"

    @property
    def needs_a_person(self) -> bool:
        """Whether waiting longer may not help."""
        return self not in {WaitReason.MAX_CONCURRENT_DRAINS, WaitReason.NOT_LOOKED_YET}

    @property
    def remedy(self) -> str:
        """One sentence for the operator: what it means and what would change it."""
        return _REMEDIES[self]


_REMEDIES = {
    WaitReason.TOO_MANY_NODES: "one Drain drains at most 512 nodes: make another one for the rest",
    WaitReason.OTHER_DRAIN_UNREADABLE: "a Drain with nodes may be in a file that cannot be read: mend that file",
    WaitReason.NODE_UNKNOWN: "there is no Node of this name: mend it in spec.nodes",
    WaitReason.MAX_CONCURRENT_DRAINS: "as many nodes of its rack as may be have no traffic: it is next, by age of the Drain",
    WaitReason.NOT_LOOKED_YET: "the controller looks which nodes announce what: wait a moment",
    WaitReason.LAST_ANNOUNCER: "nobody else certainly announces some VIP normally: let another node serve it, or force it",
}
