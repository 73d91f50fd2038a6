"""BGPAdvertisement: which VIPs are announced by which nodes to which peers, and with what attributes."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.config import Advertisement
from bgp_config.meaning import UnresolvedAdvertisement
from bgp_config.names import AdvertisementName, CommunityName, PeerName, PoolName
from bgp_config.spec.base import DNS_SUBDOMAIN, Distinct, ObjectName, ObjectSpec, refusal
from bgp_config.spec.cel import Cel, IsSet
from bgp_config.spec.community import COMMUNITY_RULE, WELL_KNOWN, read_value
from bgp_config.spec.selector import SelectorList, selectors_meaning


def _community(text: str) -> str:
    if ":" in text:
        read_value(text)
    elif not re.fullmatch(DNS_SUBDOMAIN, text):
        known = ", ".join(WELL_KNOWN)
        hint = (
            "Write numbers as in 65000:100, 64512:1:2 or target:64512:100, the name of a Community object, or one of"
            f" {known}."
        )
        raise refusal(f'"{text}" is neither a community nor a name', hint)
    return text


_COMMUNITY_OR_NAME = Cel(
    f"self.contains(':') ? ({COMMUNITY_RULE.rule}) : self.matches(r'{DNS_SUBDOMAIN}')",
    "must be a community as 65000:100, 64512:1:2 or target:64512:100, a well-known name, or the name of a Community object",
)

_NameList = Annotated[list[Annotated[ObjectName, Distinct]], Field(min_length=1, max_length=256), IsSet()]
_CommunityText = Annotated[
    str, Field(min_length=1, max_length=253), AfterValidator(_community), Distinct, _COMMUNITY_OR_NAME
]
_CommunityList = Annotated[list[_CommunityText], Field(min_length=1, max_length=64), IsSet()]


class BGPAdvertisementSpec(ObjectSpec):
    pools: _NameList | None = Field(None, description="Names of AddressPools; leave the field out for all.")
    peers: _NameList | None = Field(None, description="Names of BGPPeers; leave the field out for all.")
    node_selectors: SelectorList | None = Field(
        None, description="Nodes that announce, by label; one selector must match. Leave the field out for all."
    )
    service_selectors: SelectorList | None = Field(
        None,
        description="Services whose VIPs are announced, by label; one selector must match. Leave the field out for all.",
    )
    communities: _CommunityList | None = Field(
        None,
        description="In quotes: '65000:100', '64512:1:2', 'target:64512:100', a well-known name such as no-export, or a"
        " Community's name.",
    )
    local_pref: int | None = Field(
        None, ge=2, le=2**32 - 1, description="LOCAL_PREF on iBGP, 2 to 4294967295; 0 and 1 mark routes of last resort."
    )
    med: int | None = Field(
        None, ge=0, le=2**32 - 1, description="MULTI_EXIT_DISC, 0 to 4294967295; routers prefer the lowest of one AS."
    )
    as_path_prepend: int | None = Field(
        None, ge=0, le=16, description="How many more times the nodes' ASN is in the AS path on eBGP, 0 to 16."
    )
    aggregation_length_v4: int | None = Field(
        None,
        ge=8,
        le=32,
        alias="aggregationLengthV4",
        description="Announce the prefix of this length that holds an IPv4 VIP instead of the VIP, 8 to 32. The default, 32,"
        " is the VIP alone. A shorter one must be within the pool.",
    )
    aggregation_length_v6: int | None = Field(
        None,
        ge=32,
        le=128,
        alias="aggregationLengthV6",
        description="The same for IPv6, 32 to 128. The default is 128.",
    )

    def meaning(self, name: str) -> UnresolvedAdvertisement:
        written = set(self.communities or ())
        values = {WELL_KNOWN.get(text) or read_value(text) for text in written if ":" in text or text in WELL_KNOWN}
        return UnresolvedAdvertisement(
            advertisement=Advertisement(
                name=AdvertisementName(name),
                pools=None if self.pools is None else frozenset(map(PoolName, self.pools)),
                peers=None if self.peers is None else frozenset(map(PeerName, self.peers)),
                node_selectors=selectors_meaning(self.node_selectors),
                service_selectors=selectors_meaning(self.service_selectors),
                communities=frozenset(v for v in values if isinstance(v, StandardCommunity)),
                large_communities=frozenset(v for v in values if isinstance(v, LargeCommunity)),
                extended_communities=frozenset(v for v in values if isinstance(v, ExtendedCommunity)),
                local_pref=self.local_pref,
                med=self.med,
                as_path_prepend=self.as_path_prepend,
                aggregation_length_v4=32 if self.aggregation_length_v4 is None else self.aggregation_length_v4,
                aggregation_length_v6=128 if self.aggregation_length_v6 is None else self.aggregation_length_v6,
            ),
            aliases=frozenset(CommunityName(text) for text in written if ":" not in text and text not in WELL_KNOWN),
        )
