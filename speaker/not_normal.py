"""Which Services this node does not announce as they should be, and why: the list in its BGPNode. Pure.

A Service is in it once for each reason that its VIPs have. The list is bounded: what only this node knows comes first, then
what passes, and last what anybody can tell from the objects. What needs nothing done here, and what holds for the whole
node, is not in it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import TypeAlias

from bgp_config.names import IPAddress
from bgp_config.status.base import clip
from bgp_config.status.node import MAX_SERVICES, MAX_VIPS, PASSING_REASONS, PLAIN_REASONS, Announcement, ServiceNotNormal
from herald.kube.objects import ObjectKey
from speaker.core import Core
from speaker.decide import LEAVING, ServiceDecision
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.transition import Transition

AS_IT_SHOULD_BE = frozenset({Reason.NO_LOCAL_ENDPOINT, Reason.TERMINATING})
"""Reasons that ask for nothing on this node: another one announces the VIP."""
OF_THE_NODE = frozenset(
    {Reason.NODE_UNKNOWN, Reason.DRAINING, Reason.DRAINED, Reason.DATA_PATH_SILENT, Reason.STALE, *LEAVING}
)
"""Reasons that hold for every Service: said once, as the node's drain."""
_UNSAID = AS_IT_SHOULD_BE | OF_THE_NODE
_ANNOUNCEMENTS = {
    RouteState.WITHDRAWN: Announcement.WITHDRAWN,
    RouteState.LAST_RESORT: Announcement.LEAST_PREFERRED,
    RouteState.LEAST_PREFERRED: Announcement.LEAST_PREFERRED,
    RouteState.NORMAL: Announcement.PARTLY,
}
_Trouble: TypeAlias = tuple[ObjectKey, Reason, RouteState]


def not_normal(core: Core) -> tuple[tuple[ServiceNotNormal, ...], int]:
    """Those that there is room for, and how many there are."""
    found: defaultdict[_Trouble, list[IPAddress]] = defaultdict(list)
    for key, decision in core.decisions.items():
        for vip, reason, state in _troubles(decision):
            found[key, reason, state].append(vip)
    named = nsmallest(MAX_SERVICES, found, key=lambda trouble: (_rank(trouble[1]), trouble))
    return tuple(_said(*trouble, found[trouble]) for trouble in named), len(found)


def is_urgent(transition: Transition) -> bool:
    """Whether others must hear soon that this node does not announce the VIP as it should any more."""
    reason = transition.reason
    return transition.vip is not None and reason is not None and reason not in _UNSAID | PLAIN_REASONS | PASSING_REASONS


def _troubles(decision: ServiceDecision) -> Iterator[tuple[IPAddress, Reason, RouteState]]:
    """By VIP, the first that asks for something."""
    for vip in decision.vips:
        for reason in (vip.reason, Reason.PREFIX_LIMIT_SOMEWHERE if vip.withheld else None):
            if reason and reason not in _UNSAID:
                yield vip.vip, reason, vip.state
                break


def _rank(reason: Reason) -> int:
    if reason in PLAIN_REASONS:
        return 2
    return 1 if reason in PASSING_REASONS else 0


def _said(key: ObjectKey, reason: Reason, state: RouteState, vips: Sequence[IPAddress]) -> ServiceNotNormal:
    return ServiceNotNormal(
        namespace=key.namespace,
        name=key.name,
        reason=reason.value,
        state=_ANNOUNCEMENTS[state],
        message=clip(reason.remedy),
        vips=tuple(map(str, vips)) if len(vips) <= MAX_VIPS else (),
    )
