"""Whom a node probes: its own serving endpoints of selected Local Services, at the right port."""

import pytest

from bgp_config.names import Family, HealthCheckName, NodeName
from herald.kube.objects import EndpointConditions, EndpointPort, EndpointSlice, Kind, ObjectKey, Service, TrafficPolicy
from herald.kube.source import Upsert
from speaker.cluster import Cluster
from speaker.health.targets import EndpointKey, GroupKey, targets
from tests.builders import DRAINING, READY, UNREADY, endpoint, endpoint_slice, ip, manifest, service

KEY, CLASS, VIP = ObjectKey("default", "web"), "herald-lb.io/bgp", "198.51.100.7"
HTTP = [EndpointPort(port=53, protocol="UDP"), EndpointPort(port=8080)]


def asked(*slices: EndpointSlice, spec: dict[str, object] | None = None, of: Service | None = None) -> dict[str, int]:
    """The ports by address."""
    cluster = Cluster(NodeName("node1"))
    check = manifest(Kind.HEALTH_CHECK, "web", {"protocol": "TCP", **(spec or {})})
    cluster.apply(Upsert(check.kind, check.key, check))
    chosen = of or service("web", VIP)
    cluster.apply(Upsert(Kind.SERVICE, chosen.key, chosen))
    for each in slices:
        cluster.apply(Upsert(Kind.ENDPOINT_SLICE, each.key, each))
    found = targets(cluster, KEY, CLASS)
    return {str(key.address): target.port for key, target in found.items()}


def at(address: str, conditions: EndpointConditions = READY, *, node: str = "node1", name: str = "web-1") -> EndpointSlice:
    family = "IPv6" if ":" in address else "IPv4"
    made = endpoint_slice("web", [endpoint(node, address, conditions)], name=name, address_type=family)
    return EndpointSlice(metadata=made.metadata, address_type=family, endpoints=made.endpoints, ports=HTTP)


def test_its_own_serving_endpoints_are_asked_at_the_first_tcp_port() -> None:
    assert asked(
        at("10.244.1.1"),
        at("10.244.1.2", DRAINING, name="two"),
        at("10.244.1.3", UNREADY, name="three"),
        at("10.244.2.1", node="node2", name="four"),
    ) == {"10.244.1.1": 8080, "10.244.1.2": 8080}


def test_a_check_may_name_the_port() -> None:
    assert asked(at("10.244.1.1"), spec={"port": 9000}) == {"10.244.1.1": 9000}


def test_without_any_port_there_is_nothing_to_ask() -> None:
    plain = endpoint_slice("web", [endpoint("node1", "10.244.1.1")])
    assert asked(plain) == {}
    assert asked(plain, spec={"port": 80}) == {"10.244.1.1": 80}


def test_an_endpoint_that_another_slice_speaks_against_is_not_asked() -> None:
    assert asked(at("10.244.1.1"), at("10.244.1.1", UNREADY, name="two")) == {}


def test_unready_ones_are_asked_where_the_service_publishes_them() -> None:
    publishing = service("web", VIP, publish_not_ready=True)
    assert asked(at("10.244.1.1", UNREADY), of=publishing) == {"10.244.1.1": 8080}


@pytest.mark.parametrize(
    "other",
    [
        service("web"),
        service("web", VIP, policy=TrafficPolicy.CLUSTER),
        service("web", VIP, load_balancer_class="other"),
        service("web", VIP, type_="ClusterIP"),
        service("web", "fd00:100::7"),
        service("other", VIP),
    ],
)
def test_none_of_a_service_that_is_not_announced_by_its_local_endpoints(other: Service) -> None:
    assert asked(at("10.244.1.1"), of=other) == {}


def test_a_check_is_about_the_services_that_it_selects() -> None:
    selecting: dict[str, object] = {"serviceSelectors": [{"matchLabels": {"app": "web"}}]}
    assert asked(at("10.244.1.1"), spec=selecting) == {}
    assert asked(at("10.244.1.1"), spec=selecting, of=service("web", VIP, labels={"app": "web"})) == {"10.244.1.1": 8080}


def test_each_family_is_a_group_of_its_own() -> None:
    cluster = Cluster(NodeName("node1"))
    check, dual = manifest(Kind.HEALTH_CHECK, "web", {"protocol": "TCP"}), service("web", VIP, "fd00:100::7")
    cluster.apply(Upsert(check.kind, check.key, check))
    cluster.apply(Upsert(Kind.SERVICE, dual.key, dual))
    for each in (at("10.244.1.1"), at("fd00:244::1", name="six")):
        cluster.apply(Upsert(Kind.ENDPOINT_SLICE, each.key, each))
    name = HealthCheckName("web")
    assert set(targets(cluster, KEY, CLASS)) == {
        EndpointKey(GroupKey(KEY, name, Family.IPV4), ip("10.244.1.1")),
        EndpointKey(GroupKey(KEY, name, Family.IPV6), ip("fd00:244::1")),
    }
