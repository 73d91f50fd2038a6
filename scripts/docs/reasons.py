"""Every reason of both programs with its remedy, from their enums."""

from collections.abc import Iterable
from typing import Protocol

from controller.drain.reasons import WaitReason
from controller.reasons import PendingReason
from scripts.docs import markdown
from scripts.docs.markdown import code, sentence, table
from speaker.reasons import PeerReason, Reason


class _Explained(Protocol):
    @property
    def value(self) -> str: ...
    @property
    def remedy(self) -> str: ...


_HEAD = """\
Herald never leaves out a VIP, or makes it least preferred, without saying why. The reason is one word, the same in
logs, metrics, status objects and Events, and it comes with a sentence. The words are only ever added to."""
_ANNOUNCED = """\
Each node decides for itself. The speaker looks for these in this order and says the first of those that are worst: in its
BGPNode (`kubectl get bgpnode NODE -o yaml`, under `servicesNotNormal`), in its log, and in metrics."""
_PEERS = """\
A BGPPeer can select a node and still have no session there. The speaker says so in its BGPNode under `errors`, in
`lastError` of the BGPSession, and in `herald_bgp_peer_refused`."""
_PENDING = """\
The controller looks for these in this order. It says the first that holds in the condition `Assigned` of the Service
(`kubectl describe service NAME`), in an Event and in its log. Without a cluster it is in the Service's file below
`--state`."""

_WAITING = """\
The controller looks for these in this order and says the first that holds in the Drain's status, node by node, in its
conditions, and to `herald drain --wait` and `herald status`."""


def page() -> str:
    return markdown.page(
        "Reasons",
        _HEAD,
        "## Why a node does not announce a VIP",
        _ANNOUNCED,
        _table(Reason),
        "## Why a BGPPeer has no session on a node",
        _PEERS,
        _table(PeerReason),
        "## Why a Service has no VIP",
        _PENDING,
        _table(PendingReason),
        "## Why a node is not drained yet",
        _WAITING,
        _table(WaitReason),
    )


def _table(reasons: Iterable[_Explained]) -> str:
    return table(["reason", "what it means, and what helps"], ([code(r.value), sentence(r.remedy)] for r in reasons))
