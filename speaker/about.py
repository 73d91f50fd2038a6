"""What the cluster says about a Service, seen from any node: where its addresses are from, where its endpoints are. Pure."""

from collections import Counter
from collections.abc import Iterator

from bgp_config.names import IPAddress
from herald.kube.objects import ObjectKey, Service
from herald.kube.requested import LOAD_BALANCER_IPS, REQUESTED_POOL, requested_vips
from speaker.account import Told
from speaker.cluster import Cluster
from speaker.endpoints import can_take_traffic


class AddressFact(Told, frozen=True, kw_only=True):
    """One VIP of a Service, and why it is this one."""

    vip: str
    pool: str = ""
    why: str


class EndpointFact(Told, frozen=True, kw_only=True):
    """Endpoints on one node; `node` is empty for those that are on none."""

    node: str = ""
    serving: int = 0
    total: int = 0


def addresses(cluster: Cluster, service: Service) -> Iterator[AddressFact]:
    """Of its VIPs."""
    return (_address(cluster, service, vip) for vip in service.vips)


def _address(cluster: Cluster, service: Service, vip: IPAddress) -> AddressFact:
    pool = cluster.config.pool_of(vip)
    return AddressFact(vip=str(vip), pool=pool.name if pool else "", why=_why(service, vip, in_pool=pool is not None))


def _why(service: Service, vip: IPAddress, *, in_pool: bool) -> str:
    if not in_pool:
        return "no AddressPool contains it any more; a VIP never moves by itself"
    try:
        requested = vip in requested_vips(service)
    except ValueError:
        requested = False
    if requested and LOAD_BALANCER_IPS in service.metadata.annotations:
        return f"requested by the annotation {LOAD_BALANCER_IPS}"
    if requested:
        return "requested by spec.loadBalancerIP"
    if pool := service.metadata.annotations.get(REQUESTED_POOL):
        return f"the lowest that was free in {pool}, the pool that the annotation {REQUESTED_POOL} names"
    return "nothing was requested: the lowest that was free in the first pool, by name, that had one"


def endpoints(cluster: Cluster, key: ObjectKey) -> Iterator[EndpointFact]:
    """By node, in order."""
    total: Counter[str] = Counter()
    able: Counter[str] = Counter()
    for endpoint in (e for each in cluster.slices_of(key).values() for e in each.endpoints):
        total[endpoint.node_name or ""] += len(endpoint.addresses)
        able[endpoint.node_name or ""] += len(endpoint.addresses) * can_take_traffic(endpoint)
    return (EndpointFact(node=node, serving=able[node], total=count) for node, count in sorted(total.items()))
