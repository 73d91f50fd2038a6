"""Which addresses a Service asks for."""

from ipaddress import ip_address

import pytest

from herald.kube.objects import Ingress, LoadBalancerStatus, Metadata, Service, ServiceSpec, ServiceStatus
from herald.kube.requested import LOAD_BALANCER_IPS, assigned_as_requested, requested_vips


def service(annotation: str | None = None, load_balancer_ip: str | None = None, type_: str = "LoadBalancer") -> Service:
    return Service(
        metadata=Metadata(name="web", annotations={} if annotation is None else {LOAD_BALANCER_IPS: annotation}),
        spec=ServiceSpec(type=type_, load_balancer_ip=load_balancer_ip),
        status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=[Ingress(ip="203.0.113.1")])),
    )


@pytest.mark.parametrize(
    ("annotation", "load_balancer_ip", "expected"),
    [
        (None, None, []),
        (None, "198.51.100.1", ["198.51.100.1"]),
        ("198.51.100.2", None, ["198.51.100.2"]),
        ("198.51.100.2", "198.51.100.1", ["198.51.100.2"]),
        ("198.51.100.2, 2001:db8:100::2", None, ["198.51.100.2", "2001:db8:100::2"]),
        ("", "198.51.100.1", []),
        ("2001:DB8:100:0::2,", None, ["2001:db8:100::2"]),
    ],
)
def test_the_annotation_counts_instead_of_the_field(
    annotation: str | None, load_balancer_ip: str | None, expected: list[str]
) -> None:
    assert requested_vips(service(annotation, load_balancer_ip)) == tuple(ip_address(text) for text in expected)


@pytest.mark.parametrize(
    "annotation", ["web", "198.51.100.0/24", "198.51.100.1,198.51.100.2", "010.0.0.1", "198.51.100.1;::1"]
)
def test_what_cannot_be_granted_is_an_error_and_assigns_nothing(annotation: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        requested_vips(service(annotation))
    assert assigned_as_requested(service(annotation)).vips == ()


def test_without_a_controller_the_request_is_the_assignment_and_the_written_status_is_not() -> None:
    assert assigned_as_requested(service("198.51.100.2")).vips == (ip_address("198.51.100.2"),)
    assert assigned_as_requested(service()).vips == ()


def test_a_service_of_another_type_gets_nothing() -> None:
    assert assigned_as_requested(service("198.51.100.2", type_="ClusterIP")).vips == ()
