"""Which nodes may drain now. Pure.

- What is granted stays granted as long as its Drain asks for it: a grant that came and went would move traffic twice.
- In one rack at most so many nodes are without traffic, Draining or Drained. Nodes without the rack's label are together
  in the rack "".
- A node that is the last to announce some VIP normally waits, unless the Drain says `force`.
- The oldest Drain is served first, and its nodes by name.
- While a Drain cannot be read that may have been granted nodes, nothing new is granted, as they may be anywhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from bgp_config.config import Drain
from bgp_config.names import DrainName, NodeName
from bgp_config.status.drain import MAX_NODES
from controller.drain.announcers import Announcers
from controller.drain.reasons import WaitReason
from herald.kube.objects import Node


@dataclass(frozen=True, slots=True)
class Granted:
    """It may drain."""


@dataclass(frozen=True, slots=True)
class Waits:
    """It may not yet; `message` says what would change that."""

    reason: WaitReason
    message: str


Decision: TypeAlias = Granted | Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A Drain that is in effect: the nodes that it is about, and those of them that have its grant already. One that was
    deleted keeps it, if the Drain names it: when it joins again it gets no traffic before the Drain ends.
    """

    drain: Drain
    created: str
    nodes: frozenset[NodeName]
    granted: frozenset[NodeName]

    @property
    def seniority(self) -> tuple[str, str]:
        return self.created, self.drain.name

    def in_order(self) -> list[NodeName]:
        """Those with a grant first, so that none loses it to one of a lesser name."""
        return sorted(self.nodes, key=lambda node: (node not in self.granted, node))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The controller's flags: how many nodes of one rack at a time, and the label of Nodes that names their rack."""

    max_concurrent: int = 1
    rack_label: str = "topology.kubernetes.io/zone"

    def rack_of(self, node: Node) -> str:
        return node.metadata.labels.get(self.rack_label, "")


def decide(
    wishes: Iterable[Wish],
    racks: Mapping[NodeName, str],
    limits: Limits,
    announcers: Announcers | None,
    unread: AbstractSet[str] = frozenset(),
) -> dict[tuple[DrainName, NodeName], Decision]:
    """By Drain and node. `racks` has all nodes that there are. `announcers` None: nobody has looked yet which announce
    what, so that nothing new is granted without force. `unread`: Drains that cannot be read, and may have been granted.
    """
    wishes = sorted(wishes, key=lambda wish: wish.seniority)
    leaving = {node for wish in wishes for node in wish.granted}
    busy = Counter(racks[node] for node in leaving if node in racks)
    decided: dict[tuple[DrainName, NodeName], Decision] = {}
    for wish in wishes:
        for number, node in enumerate(wish.in_order()):
            obstacle = _too_many(number)
            if obstacle is None and node not in leaving:
                obstacle = _unread(unread) or _obstacle(node, racks, limits, busy) or _guard(wish, node, announcers, leaving)
                if obstacle is None:
                    leaving.add(node)
                    busy[racks[node]] += 1
            decided[wish.drain.name, node] = obstacle or Granted()
    return decided


def _too_many(number: int) -> Waits | None:
    if number < MAX_NODES:
        return None
    return Waits(WaitReason.TOO_MANY_NODES, f"one Drain drains at most {MAX_NODES} nodes: make another for the rest")


def _unread(unread: AbstractSet[str]) -> Waits | None:
    if not unread:
        return None
    message = f"the Drain {min(unread)} may have nodes, and may be in a file that cannot be read: mend that file"
    return Waits(WaitReason.OTHER_DRAIN_UNREADABLE, message)


def _obstacle(node: NodeName, racks: Mapping[NodeName, str], limits: Limits, busy: Counter[str]) -> Waits | None:
    if node not in racks:
        return Waits(WaitReason.NODE_UNKNOWN, f"there is no Node {node}: mend the name in spec.nodes")
    rack = racks[node]
    if busy[rack] < limits.max_concurrent:
        return None
    where = f"with {limits.rack_label}={rack}" if rack else f"without the label {limits.rack_label}"
    message = f"of the nodes {where} {busy[rack]} have no traffic, and --max-concurrent-drains is {limits.max_concurrent}"
    return Waits(WaitReason.MAX_CONCURRENT_DRAINS, message)


def _guard(wish: Wish, node: NodeName, announcers: Announcers | None, leaving: AbstractSet[NodeName]) -> Waits | None:
    if wish.drain.force:
        return None
    if announcers is None:
        return Waits(WaitReason.NOT_LOOKED_YET, "the controller looks which nodes announce what")
    if (needed := announcers.needing(node, leaving)) is None:
        return None
    service, vip = needed
    message = f"nobody else announces {vip} of {service} normally: let another node serve it, or set spec.force (--force)"
    return Waits(WaitReason.LAST_ANNOUNCER, message)
