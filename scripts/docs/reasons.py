"""Every reason of both programs with its remedy, from their enums."""

from collections.abc import Iterable, Mapping
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

_ERRORS = """\
The speaker lists under `errors` of its BGPNode what concerns more than one Service: peers without a session, by the reasons
above, and these."""
_ERROR_REMEDIES = {
    "advertisementsDisagree": "two BGPAdvertisements say different things of the same VIP: the message names both",
    "bfdProgramMissing": "a BGPPeer names a BFDProfile and no `herald bfd` runs here: set `bfd.enabled`, or see its log",
    "inForceLastGood": "an object is wrong, and its last good form counts: the message says what is wrong and where",
    "inForceNothing": "an object is wrong and was never right: it has no effect until it is corrected",
    "stale": "the speaker does not hear of this kind any more: look at the API server and the speaker's rights",
}
_CONDITIONS = """\
Of configuration objects the leading controller says in their conditions what became of them, of BGPNodes the speaker.
The message has the details."""
_CONDITION_REMEDIES = {
    "Accepted": "nothing is wrong with the object",
    "Refused": "something is: the message names each problem with its path and a remedy",
    "Current": "this form of the object is in force",
    "LastGood": "an earlier form is in force, the last that was right: correct the object",
    "Nothing": "the object has no effect: correct it",
    "Pending": "it refers to an object that is not there yet or not accepted: the message names it",
    "Ready": "all is well",
    "Terminating": "the AddressPool is deleted and Services hold its addresses: let another pool have them, or release it",
    "Draining": "a Drain's nodes are on their way: wait",
    "Drained": "all nodes of the Drain carry no traffic: go to work",
    "Waiting": "a node of the Drain waits, by one of the reasons above",
    "Ended": "the Drain's `until` has passed: it has no effect any more",
    "NoNodes": "the Drain selects no Node that there is: check its names or labels",
    "NotSynced": "the speaker has not listed everything yet: it announces nothing so far",
    "Stale": "the speaker has not heard of some kinds for a while; `staleSince` says since when",
    "SessionsDown": "some routers have no session with the node: see its BGPSessions, and the reasons above",
    "SpeakerSilent": "the node's speaker has not been heard of for a minute: is its pod running?",
}

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
        "## What is wrong with a node",
        _ERRORS,
        _words(_ERROR_REMEDIES),
        "## What conditions say",
        _CONDITIONS,
        _words(_CONDITION_REMEDIES),
    )


def _words(remedies: Mapping[str, str]) -> str:
    return table(["reason", "what it means, and what helps"], ([code(word), sentence(remedies[word])] for word in remedies))


def _table(reasons: Iterable[_Explained]) -> str:
    return table(["reason", "what it means, and what helps"], ([code(r.value), sentence(r.remedy)] for r in reasons))
