"""What one object says by itself, before it meets the others: the result of parsing.

An advertisement may name Community objects, which are looked up when they exist; all else is complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bgp_config.communities import Community, ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.config import Advertisement, BFDProfile, Drain, HealthCheck, Peer, Pool
from bgp_config.names import CommunityName


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCommunity:
    """Community: a value that advertisements use by the object's name."""

    name: CommunityName
    value: Community


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedAdvertisement:
    """An advertisement with the communities written as numbers, and the names of those that are not."""

    advertisement: Advertisement
    aliases: frozenset[CommunityName]

    def resolve(self, values: Mapping[CommunityName, Community]) -> Advertisement | None:
        """None when a name is not known: an advertisement without one of its communities would say something else."""
        if not self.aliases:
            return self.advertisement
        if not self.aliases <= values.keys():
            return None
        named = {values[alias] for alias in self.aliases}
        return replace(
            self.advertisement,
            communities=self.advertisement.communities | {v for v in named if isinstance(v, StandardCommunity)},
            large_communities=self.advertisement.large_communities | {v for v in named if isinstance(v, LargeCommunity)},
            extended_communities=self.advertisement.extended_communities
            | {v for v in named if isinstance(v, ExtendedCommunity)},
        )


Meaning: TypeAlias = Pool | Peer | UnresolvedAdvertisement | NamedCommunity | BFDProfile | HealthCheck | Drain
