"""Which endpoints of a Service can take traffic, by its EndpointSlices. Pure.

One address may be listed in several slices while the control plane moves it; it counts only if no slice speaks against it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bgp_config.names import Family, NodeName
from herald.kube.objects import Endpoint, EndpointSlice


@dataclass(frozen=True, slots=True)
class Serving:
    """How many endpoints of one family can take traffic: on any node, on this one, and those on this one that will stay."""

    anywhere: int
    here: int
    staying: int


def serving(slices: Iterable[EndpointSlice], family: Family, node: NodeName, *, publish_not_ready: bool) -> Serving:
    """Counts distinct addresses. `publish_not_ready` is the Service's publishNotReadyAddresses."""
    address_type = f"IPv{family.value}"
    usable: dict[str, bool] = {}
    local: set[str] = set()
    leaving: set[str] = set()
    for endpoint in (e for s in slices if s.address_type == address_type for e in s.endpoints):
        takes_traffic = publish_not_ready or can_take_traffic(endpoint)
        for address in endpoint.addresses:
            usable[address] = usable.get(address, True) and takes_traffic
            if endpoint.node_name == node:
                local.add(address)
            if not publish_not_ready and endpoint.conditions.ready is False:
                leaving.add(address)
    return Serving(
        anywhere=sum(usable.values()),
        here=sum(usable[address] for address in local),
        staying=sum(usable[address] for address in local - leaving),
    )


def can_take_traffic(endpoint: Endpoint) -> bool:
    """Ready, or at least serving (a terminating endpoint that still answers). Absent means ready (discovery.k8s.io/v1)."""
    conditions = endpoint.conditions
    return conditions.ready is not False or conditions.serving is True
