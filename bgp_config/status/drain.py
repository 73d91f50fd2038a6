"""Drain: which of its nodes may drain, and how far they are. Written by the leading controller.

A node that is Draining or Drained here has the controller's grant: its speaker acts on nothing else. The speaker answers in
its BGPNode by naming the grants that it follows (`grant_of`), so a word about an earlier grant is never taken for one about
this.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from bgp_config.status.base import Number, Status, Text, Time, Word
from bgp_config.status.condition import Conditions

MAX_NODES = 512
"""Nodes of one Drain that can have a grant; a selector may match more, which wait."""


class Phase(StrEnum):
    """How far a node is."""

    WAITING = "Waiting"
    DRAINING = "Draining"
    DRAINED = "Drained"

    @property
    def is_granted(self) -> bool:
        return self is not Phase.WAITING


class DrainedNode(Status, frozen=True, kw_only=True):
    """One node of a Drain. `granted` is the time of the grant, and part of its name."""

    node: Annotated[Word, Meta(description="The node.")]
    phase: Annotated[
        Phase,
        Meta(description="Waiting for the controller's grant, Draining (announced as the least preferred), or Drained."),
    ]
    since: Annotated[Time, Meta(description="When phase last became another.")]
    granted: Annotated[Time | None, Meta(description="When the controller granted it; absent while Waiting.")] = None
    reason: Annotated[Word, Meta(description="Why it waits, in one word for machines.")] = ""
    message: Annotated[Text, Meta(description="Why, for people.")] = ""


class DrainStatus(Status, frozen=True, kw_only=True):
    """Written by the leading controller. Without nodes before it has looked, and once `until` has passed."""

    nodes: Annotated[
        tuple[DrainedNode, ...],
        Meta(
            max_length=MAX_NODES,
            description="How far each node is.",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["node"]},
        ),
    ] = ()
    total: Annotated[Number, Meta(description="Nodes that it is about, also those not listed.")] = 0
    drained: Annotated[Number, Meta(description="Those of them that are Drained.")] = 0
    conditions: Conditions = ()


def grant_of(uid: str, granted: datetime) -> str:
    """The name of a grant: of which Drain, by its uid, and when, in UTC."""
    return f"{uid}@{granted:%Y-%m-%dT%H:%M:%SZ}"
