"""What one node does about a Service, and why: the account that `herald status` shows. Pure.

The same account is given by a running speaker over its socket, and by whoever lets a Core decide for a node on what the API
server or a folder says; only the speaker knows what is on the wire, what waits and what happened.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from bgp_config.names import Family
from herald.kube.objects import ObjectKey
from speaker.core import Core
from speaker.decide import VIPDecision
from speaker.endpoints import serving
from speaker.reasons import Reason
from speaker.route import PathAttributes


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What all parts of an account share: camelCase in JSON, absent where it has its default."""


class RouteAccount(Told, frozen=True, kw_only=True):
    """One prefix to one peer. `on_wire` is absent where that is not known. `withheld`: why the peer does not get it."""

    peer: str
    prefix: str
    withheld: str = ""
    next_hop: str = ""
    as_path: list[int] = []
    local_pref: int | None = None
    med: int | None = None
    communities: list[str] = []
    on_wire: bool | None = None


class VIPAccount(Told, frozen=True, kw_only=True):
    """`waits_s`: for so long it has been waiting for the data path."""

    vip: str
    state: str
    reason: str = ""
    remedy: str = ""
    serving_here: int = 0
    serving_anywhere: int = 0
    waits_s: float | None = None
    routes: list[RouteAccount] = []


class ChangeAccount(Told, frozen=True, kw_only=True):
    at: datetime
    vip: str
    state: str
    reason: str = ""


class ServiceAccount(Told, frozen=True, kw_only=True):
    """`reason` says why there is no VIP."""

    namespace: str
    name: str
    reason: str = ""
    remedy: str = ""
    vips: list[VIPAccount] = []
    changes: list[ChangeAccount] = []


def accounts(core: Core, keys: Iterable[ObjectKey]) -> Iterator[ServiceAccount]:
    """Of those of these Services that have been decided."""
    for key in keys:
        if (decision := core.decisions.get(key)) is not None:
            reason = decision.reason
            yield ServiceAccount(
                namespace=key.namespace,
                name=key.name,
                reason=reason or "",
                remedy=reason.remedy if reason else "",
                vips=[_vip(core, key, vip) for vip in decision.vips],
            )


def attributes_account(peer: str, prefix: str, attributes: PathAttributes) -> RouteAccount:
    communities = (*attributes.communities, *attributes.large_communities, *attributes.extended_communities)
    return RouteAccount(
        peer=peer,
        prefix=prefix,
        next_hop=str(attributes.next_hop),
        as_path=list(attributes.as_path),
        local_pref=attributes.local_pref,
        med=attributes.med,
        communities=[str(community) for community in communities],
    )


def _vip(core: Core, key: ObjectKey, decision: VIPDecision) -> VIPAccount:
    cluster, service = core.cluster, core.cluster.services[key]
    counts = serving(
        cluster.slices_of(key).values(),
        Family.of(decision.vip),
        cluster.node_name,
        publish_not_ready=service.spec.publish_not_ready_addresses,
    )
    reason = decision.reason or (Reason.PREFIX_LIMIT_SOMEWHERE if decision.withheld else None)
    return VIPAccount(
        vip=str(decision.vip),
        state=decision.state.word,
        reason=reason or "",
        remedy=reason.remedy if reason else "",
        serving_here=counts.here,
        serving_anywhere=counts.anywhere,
        routes=[*_routes(core, decision), *_withheld(decision)],
    )


def _routes(core: Core, decision: VIPDecision) -> Iterator[RouteAccount]:
    for peer, prefixes in decision.asked.items():
        if (spec := core.peering.sessions.get(peer)) is None:
            continue
        table = core.ribs.table(spec)
        for prefix in prefixes:
            if attributes := table.get(prefix):
                yield attributes_account(peer, str(prefix), attributes)


def _withheld(decision: VIPDecision) -> Iterator[RouteAccount]:
    for peer, prefixes in decision.withheld.items():
        for prefix in prefixes:
            yield RouteAccount(peer=peer, prefix=str(prefix), withheld=Reason.PREFIX_LIMIT.value)
