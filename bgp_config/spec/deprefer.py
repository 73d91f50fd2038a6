"""BGPPeer's `deprefer`: how one router shall hear of a route that all others are to be preferred to."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bgp_config.communities import GRACEFUL_SHUTDOWN, StandardCommunity
from bgp_config.config import Deprefer
from bgp_config.spec.base import Distinct, Spec, refusal
from bgp_config.spec.cel import Cel, IsSet
from bgp_config.spec.community import read_value

_STANDARD = Cel(
    "self.matches('^(0|[1-9][0-9]{0,4}):(0|[1-9][0-9]{0,4})$') && self.split(':').all(n, int(n) <= 65535)",
    "must be a standard community, two 16-bit numbers as 65000:100",
)


def _standard(text: str) -> str:
    if not isinstance(read_value(text), StandardCommunity):
        raise refusal(f'"{text}" is no standard community', "Write two numbers as in 65000:100.")
    return text


_CommunityText = Annotated[str, Field(max_length=11), AfterValidator(_standard), Distinct, _STANDARD]


class DepreferSpec(Spec):
    as_path_prepend: int = Field(
        6,
        ge=0,
        le=32,
        description="On eBGP: how many more times the nodes' ASN is in the AS path, 0 to 32; twice as often on a node that"
        " may be sick.",
    )
    local_pref: int = Field(
        1, ge=1, le=2**32 - 1, description="On iBGP: LOCAL_PREF, 1 to 4294967295; one less on a node that may be sick."
    )
    graceful_shutdown: bool = Field(True, description="Whether the route has the community 65535:0 (RFC 8326).")
    communities: Annotated[list[_CommunityText], Field(min_length=1, max_length=16), IsSet()] | None = Field(
        None, description="Further communities that the route has then, in quotes: '65000:100'."
    )

    def meaning(self) -> Deprefer:
        high_low = (text.split(":") for text in self.communities or ())
        communities = frozenset(StandardCommunity(int(high), int(low)) for high, low in high_low)
        return Deprefer(
            prepends=self.as_path_prepend,
            local_pref=self.local_pref,
            communities=communities | {GRACEFUL_SHUTDOWN} if self.graceful_shutdown else communities,
        )
