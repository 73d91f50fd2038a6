"""What a decision changed: the difference between two decisions about one Service, for logs, history and witnesses. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bgp_config.names import IPAddress
from herald.kube.objects import ObjectKey
from speaker.decide import ServiceDecision
from speaker.evidence import Standing
from speaker.reasons import Reason
from speaker.route import RouteState


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A VIP of a Service changed its state or its reason on this node. `vip` None: the Service has none.

    Without a reason, a withdrawn VIP is no longer the Service's.
    """

    service: ObjectKey
    vip: IPAddress | None
    state: RouteState
    reason: Reason | None

    def __str__(self) -> str:
        if self.state.is_least_preferred:
            return "announcing, least preferred"
        if self.state.is_announced:
            return "announcing"
        return "not announcing" if self.reason else "the Service no longer has this VIP"


def transitions(service: ObjectKey, old: ServiceDecision | None, new: ServiceDecision | None) -> Iterator[Transition]:
    """None: there is no such Service."""
    before, after = _standings(old), _standings(new)
    for vip in {**before, **after}:
        if before.get(vip) != after.get(vip) and (vip or vip in after):
            now = after.get(vip, Standing(RouteState.WITHDRAWN, None))
            yield Transition(service=service, vip=vip, state=now.state, reason=now.reason)


def _standings(decision: ServiceDecision | None) -> dict[IPAddress | None, Standing]:
    if decision is None:
        return {}
    if not decision.vips:
        return {None: Standing(RouteState.WITHDRAWN, decision.reason)}
    return {each.vip: Standing(each.state, each.reason) for each in decision.vips}
