"""The addresses that a Service asks for by name. Pure.

The controller grants them if a pool has them. A speaker without a controller (an anycast host outside Kubernetes) takes
them as assigned.
"""

from ipaddress import ip_address

import msgspec

from bgp_config.names import IPAddress
from herald.kube.objects import Ingress, LoadBalancerStatus, Service, ServiceStatus

LOAD_BALANCER_IPS = "herald-lb.io/load-balancer-ips"
"""Annotation: addresses separated by commas, at most one per family. Counts instead of spec.loadBalancerIP."""
REQUESTED_POOL = "herald-lb.io/address-pool"
"""Annotation: the AddressPool that addresses shall come from."""


def requested_vips(service: Service) -> tuple[IPAddress, ...]:
    """Raises ValueError, its text for the user, when what is asked for is no address or two of one family."""
    text = service.metadata.annotations.get(LOAD_BALANCER_IPS, service.spec.load_balancer_ip or "")
    vips = tuple(ip_address(part.strip()) for part in text.split(",") if part.strip())
    if len({vip.version for vip in vips}) < len(vips):
        raise ValueError(f"{text!r} asks for more than one address of a family")
    return vips


def assigned_as_requested(service: Service) -> Service:
    """The Service as if all that it asks for had been assigned; without a VIP where it asks for none or for nonsense."""
    try:
        vips = requested_vips(service) if service.is_load_balancer else ()
    except ValueError:
        vips = ()
    ingress = [Ingress(ip=str(vip)) for vip in vips]
    return msgspec.structs.replace(service, status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)))
