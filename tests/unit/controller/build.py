"""Services and pools for the controller's tests, each with what a test names and sensible values for the rest."""

from collections.abc import Sequence

from bgp_config.config import AddressRange, Config, Pool
from bgp_config.names import IPAddress, PoolName, host_prefix
from controller.allocate import Outcome, decide
from controller.ledger import Ledger, Seniority
from herald.kube.objects import (
    ConfigManifest,
    Ingress,
    IPFamilyPolicy,
    Kind,
    LoadBalancerStatus,
    Metadata,
    Node,
    NodeAddress,
    NodeStatus,
    ObjectKey,
    Service,
    ServiceSpec,
    ServiceStatus,
)
from herald.kube.requested import LOAD_BALANCER_IPS, REQUESTED_POOL
from tests.builders import ip

CLASS = "herald-lb.io/bgp"
SINGLE, PREFER, REQUIRE = IPFamilyPolicy


def lb(
    name: str = "web",
    *vips: str,
    created: str | None = None,
    ips: str | None = None,
    load_balancer_ip: str | None = None,
    pool: str | None = None,
    families: Sequence[str] = (),
    policy: IPFamilyPolicy | None = None,
    class_: str | None = None,
    type_: str = "LoadBalancer",
    deleting: bool = False,
    uid: str = "",
) -> Service:
    annotations = {name: value for name, value in ((LOAD_BALANCER_IPS, ips), (REQUESTED_POOL, pool)) if value is not None}
    return Service(
        metadata=Metadata(
            name=name,
            namespace="shop",
            uid=uid,
            creation_timestamp=created,
            deletion_timestamp="2026-01-01T00:00:00Z" if deleting else None,
            annotations=annotations,
        ),
        spec=ServiceSpec(
            type=type_,
            load_balancer_class=class_,
            load_balancer_ip=load_balancer_ip,
            ip_families=list(families),
            ip_family_policy=policy,
        ),
        status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=[Ingress(ip=vip) for vip in vips])),
    )


def key(name: str = "web") -> ObjectKey:
    return ObjectKey("shop", name)


def blocks(*texts: str) -> tuple[AddressRange, ...]:
    """Each FIRST-LAST, or one address."""
    pairs = (text.partition("-") for text in texts)
    return tuple(AddressRange(first=ip(first), last=ip(last or first)) for first, _, last in pairs)


def pool(name: str, *texts: str, auto_assign: bool = True) -> Pool:
    return Pool(name=PoolName(name), ranges=blocks(*texts), auto_assign=auto_assign)


def ledger(*pools: Pool, forbidden: Sequence[str] = (), held: Sequence[Service] = ()) -> Ledger:
    """With the claims of these Services' statuses."""
    made = Ledger()
    made.set_pools(config(*pools), [host_prefix(ip(text)) for text in forbidden])
    for service in held:
        made.claim(Seniority.of(service), frozenset(service.vips))
    return made


def config(*pools: Pool) -> Config:
    return Config(pools={each.name: each for each in pools})


def decided(service: Service, book: Ledger, *before: str) -> Outcome:
    """The outcome for a Service whose claims are its status and `before`."""
    vips: tuple[IPAddress, ...] = tuple(ip(text) for text in before)
    book.claim(Seniority.of(service), frozenset((*service.vips, *vips)))
    return decide(service, vips, book, CLASS)


def pool_manifest(name: str, *texts: str, auto_assign: bool = True) -> ConfigManifest:
    """Each a CIDR."""
    spec = {"blocks": [{"cidr": text} for text in texts], "autoAssign": auto_assign}
    return ConfigManifest(kind=Kind.ADDRESS_POOL, metadata=Metadata(name=name), spec=spec)


def node(name: str, *addresses: str) -> Node:
    entries = [NodeAddress(type="InternalIP", address=address) for address in addresses]
    return Node(metadata=Metadata(name=name), status=NodeStatus(addresses=entries))
