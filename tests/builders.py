"""Objects for tests, each with what a test names and sensible values for the rest."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, ip_address

from bgp_config.config import AddressRange, Advertisement, Config, Peer, Pool
from bgp_config.names import ASN, AdvertisementName, Family, IPAddress, PeerName, PoolName
from herald.kube.objects import (
    SERVICE_NAME_LABEL,
    ConfigManifest,
    Endpoint,
    EndpointConditions,
    EndpointSlice,
    Ingress,
    Kind,
    LoadBalancerStatus,
    Metadata,
    Node,
    NodeAddress,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Secret,
    Service,
    ServiceSpec,
    ServiceStatus,
    Taint,
    TrafficPolicy,
)
from speaker.session import SessionSpec

READY = EndpointConditions(ready=True, serving=True, terminating=False)
UNREADY = EndpointConditions(ready=False, serving=False, terminating=False)
DRAINING = EndpointConditions(ready=False, serving=True, terminating=True)
UNKNOWN = EndpointConditions()


def ip(text: str) -> IPAddress:
    return ip_address(text)


def service(
    name: str = "web",
    *vips: str,
    namespace: str = "default",
    policy: TrafficPolicy = TrafficPolicy.LOCAL,
    created: str = "2026-01-01T00:00:00Z",
    labels: Mapping[str, str] | None = None,
    type_: str = "LoadBalancer",
    load_balancer_class: str | None = None,
    publish_not_ready: bool = False,
    health_check_node_port: int = 0,
) -> Service:
    return Service(
        metadata=Metadata(name=name, namespace=namespace, creation_timestamp=created, labels=dict(labels or {})),
        spec=ServiceSpec(
            type=type_,
            external_traffic_policy=policy,
            load_balancer_class=load_balancer_class,
            publish_not_ready_addresses=publish_not_ready,
            health_check_node_port=health_check_node_port,
        ),
        status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=[Ingress(ip=vip) for vip in vips])),
    )


def endpoint(node: str | None, address: str, conditions: EndpointConditions = READY) -> Endpoint:
    return Endpoint(addresses=[address], conditions=conditions, node_name=node)


def endpoint_slice(
    owner: str,
    endpoints: Sequence[Endpoint],
    *,
    name: str | None = None,
    namespace: str = "default",
    address_type: str = "IPv4",
) -> EndpointSlice:
    return EndpointSlice(
        metadata=Metadata(name=name or f"{owner}-1", namespace=namespace, labels={SERVICE_NAME_LABEL: owner}),
        address_type=address_type,
        endpoints=list(endpoints),
    )


def node(
    name: str = "node1",
    *,
    labels: Mapping[str, str] | None = None,
    conditions: Mapping[str, str] | None = None,
    addresses: Sequence[str] = ("10.0.255.1",),
    taints: Sequence[str] = (),
    deleted: bool = False,
) -> Node:
    deleted_at = "2026-01-02T00:00:00Z" if deleted else None
    return Node(
        metadata=Metadata(
            name=name, labels={"kubernetes.io/hostname": name, **(labels or {})}, deletion_timestamp=deleted_at
        ),
        spec=NodeSpec(taints=[Taint(key=key, effect="NoSchedule") for key in taints]),
        status=NodeStatus(
            conditions=[NodeCondition(type=t, status=s) for t, s in (conditions or {}).items()],
            addresses=[NodeAddress(type="InternalIP", address=a) for a in addresses],
        ),
    )


def secret(name: str, password: str, namespace: str = "herald-system") -> Secret:
    return Secret(metadata=Metadata(name=name, namespace=namespace), string_data={"password": password})


def pool(name: str = "default", first: str = "198.51.100.0", last: str = "198.51.100.255") -> Pool:
    return Pool(name=PoolName(name), ranges=(AddressRange(first=ip(first), last=ip(last)),))


def peer(name: str = "tor1", address: str = "10.1.1.0", *, peer_asn: int = 65001, local_asn: int = 64512) -> Peer:
    return Peer(
        name=PeerName(name),
        local_asn=ASN(local_asn),
        peer_asn=ASN(peer_asn),
        address=ip(address),
        families=frozenset({Family.of(ip(address))}),
    )


def advertisement(name: str = "all") -> Advertisement:
    return Advertisement(name=AdvertisementName(name))


def config(
    pools: Sequence[Pool] | None = None,
    peers: Sequence[Peer] | None = None,
    advertisements: Sequence[Advertisement] | None = None,
) -> Config:
    return Config(
        pools={p.name: p for p in (pools if pools is not None else [pool()])},
        peers={p.name: p for p in (peers if peers is not None else [peer()])},
        advertisements={a.name: a for a in (advertisements if advertisements is not None else [advertisement()])},
    )


def manifest(kind: Kind, name: str, spec: Mapping[str, object], created: str = "2026-01-01T00:00:00Z") -> ConfigManifest:
    return ConfigManifest(kind=kind, metadata=Metadata(name=name, creation_timestamp=created), spec=dict(spec))


def session(
    peer_address: str = "10.1.1.0",
    local_address: str = "10.1.1.1",
    *,
    peer_asn: int = 65001,
    local_asn: int = 64512,
    password: bytes | None = None,
) -> SessionSpec:
    return SessionSpec(
        peer_address=ip(peer_address),
        peer_port=179,
        peer_asn=ASN(peer_asn),
        local_address=ip(local_address),
        local_asn=ASN(local_asn),
        router_id=IPv4Address("10.0.255.1"),
        hold_time_s=90,
        families=frozenset({Family.of(ip(peer_address))}),
        password=password,
    )


def pool_manifest(name: str = "default", *cidrs: str) -> ConfigManifest:
    return manifest(Kind.ADDRESS_POOL, name, {"blocks": [{"cidr": cidr} for cidr in cidrs or ("198.51.100.0/24",)]})


def peer_manifest(name: str = "tor1", address: str = "10.1.1.0", **more: object) -> ConfigManifest:
    spec = {"localASN": 64512, "peerASN": 65001, "peerAddress": address, **more}
    return manifest(Kind.BGP_PEER, name, spec)


def advertisement_manifest(name: str = "all", **spec: object) -> ConfigManifest:
    return manifest(Kind.BGP_ADVERTISEMENT, name, spec)
