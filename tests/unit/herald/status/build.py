"""A small cluster as a World: nodes node1..3, two routers, Services; and what speakers have written about it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bgp_config.names import ASN
from bgp_config.status.condition import Condition, ConditionStatus
from bgp_config.status.node import BGPNodeStatus, NodeError, ServiceNotNormal
from bgp_config.status.session import BGPSessionStatus, SessionError, State
from herald.kube.objects import Kind, KubeObject, ObjectKey
from herald.kube.source import Synced, Upsert
from herald.status.answer import Answer
from herald.status.decided import decide
from herald.status.world import KINDS, World
from tests.builders import (
    READY,
    UNREADY,
    advertisement_manifest,
    endpoint,
    endpoint_slice,
    node,
    peer_manifest,
    pool_manifest,
    service,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CLASS = "herald-lb.io/bgp"
WEB = ObjectKey("default", "web")
NODES = ("node1", "node2", "node3")


def cluster(*more: KubeObject, unready: Iterable[str] = (), nodes: Sequence[str] = NODES) -> list[KubeObject]:
    """The Service web with an endpoint on each node; those on `unready` nodes do not serve."""
    endpoints = [endpoint(name, f"10.244.0.{n}", UNREADY if name in unready else READY) for n, name in enumerate(nodes, 1)]
    return [
        *(node(name, addresses=(f"10.0.255.{n}",)) for n, name in enumerate(nodes, 1)),
        pool_manifest(),
        peer_manifest("tor1", "10.1.1.0"),
        peer_manifest("tor2", "10.2.1.0"),
        advertisement_manifest(),
        service("web", "198.51.100.7"),
        endpoint_slice("web", endpoints),
        *more,
    ]


def upsert(thing: KubeObject) -> Upsert:
    return Upsert(getattr(thing, "kind", None) or Kind(type(thing).__name__), thing.key, thing)


def speaker(
    *,
    heard_s: float = 5,
    errors: tuple[NodeError, ...] = (),
    not_normal: tuple[ServiceNotNormal, ...] = (),
    unknown: bool = False,
) -> BGPNodeStatus:
    """One that said so much ago that it lives; `unknown`: the controller thinks that it does not."""
    ready = Condition(
        type="Ready",
        status=ConditionStatus.UNKNOWN if unknown else ConditionStatus.TRUE,
        last_transition_time=NOW,
        reason="Ready",
        message="",
    )
    return BGPNodeStatus(
        version="0.1.0",
        heartbeat=NOW - timedelta(seconds=heard_s),
        errors=errors,
        services_not_normal=not_normal,
        conditions=(ready,),
    )


def session(node_name: str, peer: str, state: State = State.ESTABLISHED, why: str = "") -> BGPSessionStatus:
    number = peer.removeprefix("tor")
    return BGPSessionStatus(
        node=node_name,
        peer=peer,
        peer_address=f"10.{number}.1.0",
        local_address=f"10.{number}.1.1",
        peer_asn=ASN(65001),
        local_asn=ASN(64512),
        state=state,
        since=NOW - timedelta(minutes=90),
        prefixes=1,
        last_error=SessionError(text=why, at=NOW - timedelta(seconds=30)) if why else None,
    )


def world(
    things: Iterable[KubeObject],
    *,
    speakers: Sequence[tuple[str, BGPNodeStatus]] | None = None,
    sessions: Sequence[BGPSessionStatus] | None = None,
) -> World:
    """All speakers well and all sessions up, unless it is said otherwise."""
    names = [thing.key.name for thing in things if type(thing).__name__ == "Node"]
    up = [session(name, peer) for name in names for peer in ("tor1", "tor2")]
    return World(
        source="the API server",
        changes=(*(upsert(thing) for thing in things), *(Synced(kind) for kind in sorted(KINDS))),
        live=True,
        speakers=[(name, speaker()) for name in names] if speakers is None else speakers,
        sessions=up if sessions is None else sessions,
    )


def answer(of: World, only: ObjectKey | None = None) -> Answer:
    return decide(of, CLASS, NOW, only)
