"""The outbound guard: the last word on what may leave this node, whatever the objects say (DESIGN.md, rule 9). Pure.

It is asked twice: by decide, so that a refusal has its Reason, and again on every change that goes out, so that a mistake
anywhere between cannot announce a foreign prefix.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bgp_config.config import Config
from bgp_config.names import IPAddress, Prefix
from speaker.reasons import Reason

Attributes = TypeVar("Attributes")


@dataclass(frozen=True, slots=True)
class Guard:
    """`forbidden` holds the addresses of this node, its peers and this host, `service_ranges` the cluster's ServiceCIDRs."""

    config: Config
    forbidden: frozenset[IPAddress] = frozenset()
    service_ranges: tuple[Prefix, ...] = ()
    _aggregates: dict[Prefix, bool] = field(default_factory=dict, compare=False, repr=False)

    def refusal(self, vip: IPAddress) -> Reason | None:
        """Why this VIP must not be announced, if so."""
        if self.config.pool_of(vip) is None:
            return Reason.NOT_IN_POOL
        if vip in self.forbidden or any(vip in network for network in self.service_ranges):
            return Reason.FORBIDDEN_ADDRESS
        return None

    def permits(self, prefix: Prefix) -> bool:
        """Host routes of permitted VIPs, and aggregates of exactly a length that an advertisement of the pool asks for.

        An aggregate is within its pool as a whole, and holds no forbidden address.
        """
        if prefix.prefixlen == prefix.max_prefixlen:
            return self.refusal(prefix.network_address) is None
        if prefix not in self._aggregates:
            self._aggregates[prefix] = self._permits_aggregate(prefix)
        return self._aggregates[prefix]

    def _permits_aggregate(self, prefix: Prefix) -> bool:
        pools = [pool for pool in self.config.pools_of(prefix.network_address) if pool.covers(prefix)]
        asked = any(
            a.prefix_of(prefix.network_address) == prefix and (a.pools is None or pool.name in a.pools)
            for pool in pools
            for a in self.config.advertisements.values()
        )
        taken = any(a in prefix for a in self.forbidden) or any(_overlap(prefix, other) for other in self.service_ranges)
        return asked and not taken

    def leaks(self, changes: Mapping[Prefix, Attributes | None]) -> list[Prefix]:
        """The announcements among these changes that must not leave. A withdrawal always may."""
        return [prefix for prefix, attributes in changes.items() if attributes is not None and not self.permits(prefix)]


def _overlap(one: Prefix, other: Prefix) -> bool:
    return one.version == other.version and one.overlaps(other)


def forbidden_addresses(*groups: Iterable[IPAddress]) -> frozenset[IPAddress]:
    """The union of what belongs to the node, its peers and the host."""
    return frozenset().union(*groups)
