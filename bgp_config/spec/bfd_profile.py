"""BFDProfile: how routers are watched by BFD, so that a silent one is noticed within a second (RFC 5880 to 5882)."""

from pydantic import Field

from bgp_config.config import BFDProfile
from bgp_config.names import BFDProfileName
from bgp_config.spec.base import ObjectSpec


class BFDProfileSpec(ObjectSpec):
    interval_milliseconds: int = Field(
        300, ge=10, le=60_000, description="Between two packets, in both directions, 10 to 60000. The slower side decides."
    )
    multiplier: int = Field(
        3, ge=2, le=255, description="The router is taken for lost after so many intervals of silence, 2 to 255."
    )
    passive: bool = Field(False, description="true: wait for the router's first packet; false: both begin.")
    strict: bool = Field(
        False, description="true: no BGP session before BFD is up; false: only once BFD was up does BGP depend on it."
    )

    def meaning(self, name: str) -> BFDProfile:
        return BFDProfile(
            name=BFDProfileName(name),
            interval_ms=self.interval_milliseconds,
            multiplier=self.multiplier,
            passive=self.passive,
            strict=self.strict,
        )
