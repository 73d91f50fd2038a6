"""Conditions as in metav1.Condition: what kstatus, Argo CD and `kubectl wait` read."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta

from bgp_config.status.base import Number, Status, Time


class ConditionStatus(StrEnum):
    """Whether the condition holds; Unknown if that cannot be said now."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """The types that Herald sets."""

    READY = "Ready"
    ACCEPTED = "Accepted"
    PROGRAMMED = "Programmed"
    STALLED = "Stalled"


class Condition(Status, frozen=True, kw_only=True):
    type: Annotated[
        str,
        Meta(
            max_length=316,
            pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$",
            description="Ready, Accepted, Programmed, Stalled.",
        ),
    ]
    status: Annotated[ConditionStatus, Meta(description="True, False or Unknown.")]
    observed_generation: Annotated[Number | None, Meta(description="The metadata.generation that this is said about.")] = (
        None
    )
    last_transition_time: Annotated[Time, Meta(description="When status last became another.")]
    reason: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            description="Why, in one word for machines.",
        ),
    ]
    message: Annotated[str, Meta(max_length=32_768, description="Why, for people; may be empty.")]


Conditions: TypeAlias = Annotated[
    tuple[Condition, ...],
    Meta(
        max_length=16,
        description="What holds for this object now, one entry per type.",
        extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""Merged by type, so that several writers may each keep their own (server-side apply)."""


class ConfigStatus(Status, frozen=True, kw_only=True):
    """That of a BGPPeer, a BGPAdvertisement or a Community. Written by the leading controller."""

    conditions: Conditions = ()
