"""The answer of `herald status`: what every node does about every Service, and why. JSON is these values as they are."""

from datetime import datetime

from bgp_config.status.drain import Phase
from bgp_config.status.node import BGPNodeStatus
from bgp_config.status.session import BGPSessionStatus
from herald.kube.objects import ObjectKey
from speaker.about import AddressFact, EndpointFact
from speaker.account import ServiceAccount, Told
from speaker.health.account import HealthFact


class NodeAnswer(Told, frozen=True, kw_only=True):
    """One node. `silent`: its speaker has not been heard of lately, so that nothing of this may be so."""

    node: str
    silent: bool = False
    bgp_node: BGPNodeStatus | None = None
    sessions: tuple[BGPSessionStatus, ...] = ()
    services: tuple[ServiceAccount, ...] = ()


class EventFact(Told, frozen=True, kw_only=True):
    """What was said about the Service to people."""

    at: datetime
    reason: str
    note: str


class ServiceFact(Told, frozen=True, kw_only=True):
    """What the cluster says about one Service. `pending` and `message`: what it does not get, and why.

    `health` is told by a node's own speaker only.
    """

    namespace: str
    name: str
    policy: str = ""
    load_balancer_class: str | None = None
    addresses: tuple[AddressFact, ...] = ()
    pending: str = ""
    message: str = ""
    endpoints: tuple[EndpointFact, ...] = ()
    health: tuple[HealthFact, ...] = ()
    events: tuple[EventFact, ...] = ()

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)


class DrainFact(Told, frozen=True, kw_only=True):
    """What the controller says of one node of one Drain. `reason` and `message`: what it waits for."""

    drain: str
    node: str
    phase: Phase
    since: datetime
    reason: str = ""
    message: str = ""


class Answer(Told, frozen=True, kw_only=True):
    """`source` says where this is from, `live` whether speakers themselves have told how their sessions are.

    `left_out`: how many Services nothing is told about, since there are so many, and nobody names them as not normal.
    """

    source: str
    live: bool = True
    nodes: tuple[NodeAnswer, ...] = ()
    services: tuple[ServiceFact, ...] = ()
    left_out: int = 0
    drains: tuple[DrainFact, ...] = ()
    problems: tuple[str, ...] = ()
