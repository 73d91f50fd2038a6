"""Whom to ask what: the endpoints of this node that the health checks select, by the objects. Pure.

Only those that should take traffic, of Services with externalTrafficPolicy Local: the others' traffic may go anywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

from bgp_config.config import HealthCheck
from bgp_config.names import Family, HealthCheckName, IPAddress
from bgp_config.selector import selected
from herald.kube.objects import EndpointSlice, ObjectKey, Service, TrafficPolicy
from speaker.cluster import Cluster
from speaker.endpoints import can_take_traffic


class GroupKey(NamedTuple):
    """What one check finds out about one Service in one family, which is about the VIPs of that family."""

    service: ObjectKey
    check: HealthCheckName
    family: Family


class EndpointKey(NamedTuple):
    """One endpoint as one check sees it, whatever the check asks."""

    group: GroupKey
    address: IPAddress


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how to ask."""

    check: HealthCheck
    address: IPAddress
    port: int


def targets(cluster: Cluster, key: ObjectKey, load_balancer_class: str) -> Mapping[EndpointKey, Target]:
    """Of one Service; none for one that is not there, not ours, has no VIP or is not Local."""
    service = cluster.services.get(key)
    if service is None or not service.vips or service.spec.external_traffic_policy is not TrafficPolicy.LOCAL:
        return {}
    if service.spec.load_balancer_class not in {None, load_balancer_class}:
        return {}
    checks = [c for c in cluster.config.health_checks.values() if selected(c.service_selectors, service.metadata.labels)]
    if not checks:
        return {}
    families = {Family.of(vip) for vip in service.vips}
    serving = [(a, p) for a, p in _serving(cluster, service) if Family.of(a) in families]
    return {
        EndpointKey(GroupKey(key, check.name, Family.of(address)), address): Target(check, address, port)
        for check in checks
        for address, listed_port in serving
        if (port := check.port or listed_port)
    }


def _serving(cluster: Cluster, service: Service) -> Iterator[tuple[IPAddress, int | None]]:
    """The addresses of this node's endpoints that no slice speaks against, and the first TCP port of their slice."""
    usable: dict[IPAddress, bool] = {}
    ports: dict[IPAddress, int | None] = {}
    publish = service.spec.publish_not_ready_addresses
    for each in cluster.slices_of(service.key).values():
        for endpoint in (e for e in each.endpoints if e.node_name == cluster.node_name):
            for address in _addresses(endpoint.addresses):
                usable[address] = usable.get(address, True) and (publish or can_take_traffic(endpoint))
                ports[address] = ports.get(address) or _first_port(each)
    return ((address, ports[address]) for address, takes_traffic in usable.items() if takes_traffic)


def _addresses(texts: Iterable[str]) -> Iterator[IPAddress]:
    for text in texts:
        try:
            yield ip_address(text)
        except ValueError:  # of a slice of address type FQDN
            continue


def _first_port(each: EndpointSlice) -> int | None:
    return next((port.port for port in each.ports if port.port and port.protocol == "TCP"), None)
