"""BGPNode: how one node's speaker is, what it works with and what it does not announce. Written by that speaker.

Status only, owned by the Node and of its name. Lists are bounded and say with a total how much they leave out.

`heartbeat` is renewed every HEARTBEAT_S at the latest. To a controller that has not seen it change for SILENCE_S, by its own
clock, the speaker is dead: it sets the BGPNode's condition Ready and the `state` of the node's BGPSessions to Unknown, by
force. A speaker that is back takes them again, by force: all of them, whenever a heartbeat of its own came late.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from bgp_config.status.base import Number, Status, Text, Time, Word
from bgp_config.status.condition import Conditions
from bgp_config.status.drain import Phase

MAX_ERRORS = 16
MAX_SERVICES = 64
PLAIN_REASONS = frozenset({"noEndpoint", "noAdvertisement"})
"""What anybody can tell from the objects. Services of these reasons come last in servicesNotNormal: where one of them is
named, all of the others are.
"""
LASTING_REASONS = frozenset(
    {
        "notInPool",
        "forbiddenAddress",
        "duplicateAddress",
        "noAdvertisement",
        "aggregateForbidden",
        "prefixLimit",
    }
)
"""Why a VIP is announced to nobody, whatever becomes of endpoints and health: on a node with all its sessions up it lasts
until somebody changes an object. noPeer may be for want of a next hop, which can be back any moment.
"""
PASSING_REASONS = frozenset({"dataPathPending"})
"""What ends by itself within seconds, often many times a minute."""
MAX_VIPS = 8
MAX_GRANTS = 16
HEARTBEAT_S = 20
SILENCE_S = 45


class ConfigInUse(Status, frozen=True, kw_only=True):
    """The configuration that the speaker decides with."""

    hash: Annotated[Word, Meta(description="The same on nodes that work with the same configuration.")]
    since: Annotated[Time, Meta(description="When its meaning last changed.")]
    refused: Annotated[Number, Meta(description="Objects of which the current form is not in force.")]


class NodeError(Status, frozen=True, kw_only=True):
    """Something that stands in the way now, and whom it is about: a kind, an object, a peer."""

    about: Annotated[Word, Meta(description="What it is about, such as BGPPeer/tor1.")]
    reason: Annotated[Word, Meta(description="Why, in one word for machines.")]
    message: Annotated[Text, Meta(description="Why and what to do, for people.")]
    since: Annotated[Time | None, Meta(description="Since when.")] = None


class Drain(Status, frozen=True, kw_only=True):
    """Why the node announces nothing or little."""

    reason: Annotated[Word, Meta(description="Why, in one word for machines.")]
    since: Annotated[Time, Meta(description="Since when.")]
    message: Annotated[Text, Meta(description="Why, for people.")] = ""
    phase: Annotated[
        Phase | None, Meta(description="Draining or Drained, where a Drain object asks for it; absent where nothing does.")
    ] = None
    grants: Annotated[
        tuple[Word, ...], Meta(max_length=MAX_GRANTS, description="The grants of Drain objects that the speaker follows.")
    ] = ()


class DataPathState(StrEnum):
    """Whether rules for Services are known to reach the kernel."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"
    NOT_CHECKED = "NotChecked"


class DataPath(Status, frozen=True, kw_only=True):
    """What makes VIPs answer on the node, such as kube-proxy."""

    kind: Annotated[Word, Meta(description="kube-proxy, a URL, or none.")]
    state: Annotated[DataPathState, Meta(description="Healthy, Unhealthy, Unknown or NotChecked.")]
    last_sync: Annotated[Time | None, Meta(description="When its rules were last written.")] = None
    timeouts: Annotated[Number, Meta(description="Announcements that did not wait any longer for its rules.")] = 0


class Counts(Status, frozen=True, kw_only=True):
    announced: Annotated[Number, Meta(description="VIPs that are announced to at least one peer.")]
    withheld: Annotated[Number, Meta(description="VIPs that this node has and announces to nobody.")]
    sessions: Annotated[Number, Meta(description="Sessions that the node shall keep.")]
    established: Annotated[Number, Meta(description="Sessions that are Established.")]
    least_preferred: Annotated[Number, Meta(description="Announced VIPs that are least preferred.")] = 0


class Announcement(StrEnum):
    """What becomes of a VIP that is not announced as it should be."""

    PARTLY = "Partly"
    LEAST_PREFERRED = "LeastPreferred"
    WITHDRAWN = "Withdrawn"


class ServiceNotNormal(Status, frozen=True, kw_only=True):
    """One for each reason that a Service has, with the VIPs that it holds for."""

    namespace: Annotated[Word, Meta(description="The Service's namespace.")]
    name: Annotated[Word, Meta(description="The Service's name.")]
    reason: Annotated[Word, Meta(description="Why, in one word for machines.")]
    state: Annotated[Announcement, Meta(description="Partly (at some peers), LeastPreferred or Withdrawn.")] = (
        Announcement.WITHDRAWN
    )
    message: Annotated[Text, Meta(description="Why, for people.")] = ""
    vips: Annotated[
        tuple[Word, ...],
        Meta(max_length=MAX_VIPS, description="Those of its VIPs that this is said of; absent: it may be all of them."),
    ] = ()


class BGPNodeStatus(Status, frozen=True, kw_only=True):
    """Written by the speaker of the node."""

    version: Annotated[Word, Meta(description="The speaker's version.")]
    heartbeat: Annotated[Time | None, Meta(description="When the speaker last said that it lives.")] = None
    config: Annotated[ConfigInUse | None, Meta(description="The configuration in use; absent before the first.")] = None
    counts: Annotated[Counts | None, Meta(description="How much is announced; at most a minute old.")] = None
    data_path: Annotated[DataPath | None, Meta(description="What makes VIPs answer on the node.")] = None
    drain: Annotated[Drain | None, Meta(description="Absent unless the node is drained.")] = None
    stale_since: Annotated[Time | None, Meta(description="Since when the API is not heard; absent while it is.")] = None
    errors: Annotated[tuple[NodeError, ...], Meta(max_length=MAX_ERRORS, description="What stands in the way now.")] = ()
    services_not_normal: Annotated[
        tuple[ServiceNotNormal, ...],
        Meta(max_length=MAX_SERVICES, description="Services that are not announced as they should be."),
    ] = ()
    services_not_normal_total: Annotated[Number, Meta(description="How many there are, also those not listed.")] = 0
    conditions: Conditions = ()
