"""AddressPool: blocks of addresses that Services may be given as VIPs."""

from ipaddress import ip_address, ip_network
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bgp_config.config import AddressRange, Pool
from bgp_config.names import PoolName
from bgp_config.parser_only import ParserOnly
from bgp_config.spec.addresses import UnicastAddressText, UnicastCIDRText, range_of, refuse_unusable
from bgp_config.spec.base import ObjectSpec, Seen, Spec, refusal
from bgp_config.spec.cel import Cel


class BlockSpec(Spec):
    """Either cidr, or start and stop."""

    # Siblings with a rule, since a structural schema has no alternatives.
    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "has(self.cidr) ? !has(self.start) && !has(self.stop) : has(self.start) && has(self.stop)",
            "give either cidr, or both start and stop",
        ),
        Cel(
            "!has(self.start) || !has(self.stop) || !isIP(self.start) || !isIP(self.stop)"
            " || ip(self.start).family() == ip(self.stop).family()",
            "start and stop must be of one family",
        ),
    )

    cidr: UnicastCIDRText | None = Field(None, description="All addresses of a prefix, such as 198.51.100.0/24.")
    start: UnicastAddressText | None = Field(None, description="The first address; stop is the last.")
    stop: UnicastAddressText | None = Field(None, description="The last address, of the same family as start.")

    @field_validator("stop")
    @classmethod
    def _stop_follows_start(cls, stop: str, info: ValidationInfo) -> str:
        start = info.data.get("start")
        if start is None:
            return stop
        first, last = ip_address(start), ip_address(stop)
        if first.version != last.version:
            raise refusal(f"start {start} and stop {stop} are of different families", "Write a block for each family.")
        if int(first) > int(last):
            hint = f"Swap them: start {stop}, stop {start}."
            raise refusal(f"stop {stop} comes before start {start}", hint, ParserOnly.RANGE_ORDER)
        refuse_unusable(AddressRange(first=first, last=last), f"{start}-{stop}", ParserOnly.RANGE_UNICAST)
        return stop

    @model_validator(mode="after")
    def _one_form_and_no_overlap(self, info: ValidationInfo[Seen]) -> "BlockSpec":
        given = {field for field in ("cidr", "start", "stop") if getattr(self, field) is not None}
        if given not in ({"cidr"}, {"start", "stop"}):
            said = f"has {' and '.join(sorted(given))}" if given else "is empty"
            raise refusal(said, "Give either cidr, or both start and stop.")
        seen = info.context
        for other, text in seen.ranges:
            if self.range.overlaps(other):
                hint = "Let every address be in one block only."
                raise refusal(f"{self} overlaps {text} of the same pool", hint, ParserOnly.BLOCKS_DISJOINT)
        seen.ranges.append((self.range, str(self)))
        return self

    def __str__(self) -> str:
        return self.cidr or f"{self.start}-{self.stop}"

    @property
    def range(self) -> AddressRange:
        if self.cidr is not None:
            return range_of(ip_network(self.cidr))
        return AddressRange(first=ip_address(self.start or ""), last=ip_address(self.stop or ""))


class AddressPoolSpec(ObjectSpec):
    blocks: list[BlockSpec] = Field(
        min_length=1, max_length=256, description="At least one block: cidr, or start and stop. IPv4 and IPv6 may be mixed."
    )
    auto_assign: bool = Field(True, description="true, or false: only Services that ask for this pool get its addresses.")

    def meaning(self, name: str) -> Pool:
        ranges = tuple(block.range for block in self.blocks)
        return Pool(name=PoolName(name), ranges=ranges, auto_assign=self.auto_assign)
