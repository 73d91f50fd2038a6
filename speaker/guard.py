"""The outbound guard: the last word on what may leave this node, whatever the objects say (DESIGN.md, rule 9). Pure.

It is asked twice: by decide, so that a refusal has its Reason, and again on every change that goes out, so that a mistake
anywhere between cannot announce a foreign prefix.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bgp_config.config import Config
from bgp_config.names import IPAddress, Prefix, host_prefix
from speaker.reasons import Reason

Attributes = TypeVar("Attributes")


@dataclass(frozen=True, slots=True)
class Guard:
    """`forbidden` holds the addresses of this node, its peers and this host, `service_ranges` the cluster's ServiceCIDRs."""

    config: Config
    forbidden: frozenset[IPAddress] = frozenset()
    service_ranges: tuple[Prefix, ...] = ()

    def refusal(self, vip: IPAddress) -> Reason | None:
        """Why this VIP must not be announced, if so."""
        if self.config.pool_of(vip) is None:
            return Reason.NOT_IN_POOL
        if vip in self.forbidden or any(vip in network for network in self.service_ranges):
            return Reason.FORBIDDEN_ADDRESS
        return None

    def permits(self, prefix: Prefix) -> bool:
        """Only host routes of permitted VIPs: advertisements allow no shorter prefix yet."""
        address = prefix.network_address
        return prefix == host_prefix(address) and self.refusal(address) is None

    def leaks(self, changes: Mapping[Prefix, Attributes | None]) -> list[Prefix]:
        """The announcements among these changes that must not leave. A withdrawal always may."""
        return [prefix for prefix, attributes in changes.items() if attributes is not None and not self.permits(prefix)]


def forbidden_addresses(*groups: Iterable[IPAddress]) -> frozenset[IPAddress]:
    """The union of what belongs to the node, its peers and the host."""
    return frozenset().union(*groups)
