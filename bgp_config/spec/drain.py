"""Drain: nodes that shall lose their traffic before they are worked on."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from bgp_config.config import Drain
from bgp_config.names import DrainName, NodeName
from bgp_config.spec.base import Distinct, ObjectName, ObjectSpec, refusal
from bgp_config.spec.cel import Cel, IsSet
from bgp_config.spec.selector import SelectorList, selectors_meaning

TIME = r"^20[2-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$"
"""RFC 3339 in UTC, as Kubernetes writes times."""


def _real_time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f'"{text}" is not a time', "Write one in UTC that there is, as in 2027-01-31T18:00:00Z.") from None
    return text


_TimeText = Annotated[
    str,
    Field(max_length=20, pattern=TIME),
    AfterValidator(_real_time),
    Cel(f"!self.matches('{TIME}') || timestamp(self) > timestamp(0)", "must be a time that there is, in UTC"),
]


class DrainSpec(ObjectSpec):
    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("has(self.nodes) != has(self.nodeSelectors)", "give either nodes or nodeSelectors"),
    )

    nodes: Annotated[list[Annotated[ObjectName, Distinct]], Field(min_length=1, max_length=256), IsSet()] | None = Field(
        None, description="The nodes by name: a list of at least one."
    )
    node_selectors: SelectorList | None = Field(
        None, description="The nodes by label; one selector must match. Instead of nodes."
    )
    drain_seconds: int = Field(
        30,
        ge=0,
        le=3600,
        description="How long the node stays announced as the least preferred before it withdraws, 0 to 3600.",
    )
    until: _TimeText | None = Field(
        None,
        description="When the drain ends by itself, in UTC, as in 2027-01-31T18:00:00Z. Leave the field out for never.",
    )
    reason: str = Field("", max_length=256, description="For people: why.")
    force: bool = Field(False, description="true: drain a node also when it is the last that announces some VIP.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "DrainSpec":
        if (self.nodes is None) == (self.node_selectors is None):
            raise refusal("does not say which nodes", "Give either nodes or nodeSelectors.")
        return self

    def meaning(self, name: str) -> Drain:
        return Drain(
            name=DrainName(name),
            nodes=None if self.nodes is None else frozenset(map(NodeName, self.nodes)),
            node_selectors=selectors_meaning(self.node_selectors),
            drain_s=self.drain_seconds,
            until=datetime.fromisoformat(self.until).timestamp() if self.until else None,
            reason=self.reason,
            force=self.force,
        )
