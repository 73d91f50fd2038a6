"""The cluster's objects as small typed values: only the fields that Herald reads, unknown ones ignored.

Field names are the Kubernetes API's in snake case; the JSON names are camelCase. All values are immutable.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple, TypeAlias

import msgspec

from bgp_config.kind import ConfigKind
from bgp_config.names import IPAddress
from bgp_config.status.drain import DrainedNode

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


class Kind(StrEnum):
    """The kinds that Herald watches."""

    SERVICE = "Service"
    ENDPOINT_SLICE = "EndpointSlice"
    NODE = "Node"
    SECRET = "Secret"  # noqa: S105 -- the name of a kind
    SERVICE_CIDR = "ServiceCIDR"
    ADDRESS_POOL = "AddressPool"
    BGP_PEER = "BGPPeer"
    BGP_ADVERTISEMENT = "BGPAdvertisement"
    COMMUNITY = "Community"
    BFD_PROFILE = "BFDProfile"
    HEALTH_CHECK = "HealthCheck"
    DRAIN = "Drain"

    @property
    def is_config(self) -> bool:
        """Herald's own kinds: the store keeps their spec unparsed, bgp_config says what it means."""
        return self in CONFIG_KINDS

    @property
    def is_optional(self) -> bool:
        """An API server may not serve it; then there are none. A kind that is not optional is waited for."""
        return self is Kind.SERVICE_CIDR


CONFIG_KINDS = frozenset(Kind(kind) for kind in ConfigKind)
CONFIG_API_VERSION = "herald-lb.io/v1alpha1"
API_VERSIONS: Mapping[Kind, str] = {
    Kind.SERVICE: "v1",
    Kind.ENDPOINT_SLICE: "discovery.k8s.io/v1",
    Kind.NODE: "v1",
    Kind.SECRET: "v1",
    Kind.SERVICE_CIDR: "networking.k8s.io/v1",
    **dict.fromkeys(CONFIG_KINDS, CONFIG_API_VERSION),
}


class ObjectKey(NamedTuple):
    """Namespace and name. The namespace of a cluster-scoped object is empty."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all values here share."""


class Metadata(Value, frozen=True):
    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)


class Condition(Value, frozen=True):
    """A metav1.Condition. `observed_generation` stays 0 for kinds that have no generation, as Service has none."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class TrafficPolicy(StrEnum):
    """externalTrafficPolicy: may a node forward to endpoints of other nodes."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class IPFamilyPolicy(StrEnum):
    """KEP-563."""

    SINGLE_STACK = "SingleStack"
    PREFER_DUAL_STACK = "PreferDualStack"
    REQUIRE_DUAL_STACK = "RequireDualStack"


class ServiceSpec(Value, frozen=True):
    type: str = "ClusterIP"
    load_balancer_class: str | None = None
    load_balancer_ip: str | None = msgspec.field(default=None, name="loadBalancerIP")
    ip_families: list[str] = msgspec.field(default=[], name="ipFamilies")
    ip_family_policy: IPFamilyPolicy | None = msgspec.field(default=None, name="ipFamilyPolicy")
    external_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    publish_not_ready_addresses: bool = False
    health_check_node_port: int = 0


class Ingress(Value, frozen=True):
    ip: str | None = None
    hostname: str | None = None
    ip_mode: str | None = None


class LoadBalancerStatus(Value, frozen=True):
    ingress: list[Ingress] = []


class ServiceStatus(Value, frozen=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()
    conditions: list[Condition] = []


@lru_cache(maxsize=1 << 15)
def _address(text: str | None) -> IPAddress | None:
    try:
        return ip_address(text) if text else None
    except ValueError:
        return None


class Service(Value, frozen=True):
    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key

    @property
    def vips(self) -> tuple[IPAddress, ...]:
        """The assigned VIPs, as the status says. An ingress that is no IP address is not ours and is passed over."""
        return tuple(vip for ingress in self.status.load_balancer.ingress if (vip := _address(ingress.ip)))

    @property
    def is_load_balancer(self) -> bool:
        return self.spec.type == "LoadBalancer"


class EndpointConditions(Value, frozen=True):
    """None means unknown, to be read as ready and serving, not terminating (discovery.k8s.io/v1)."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Value, frozen=True):
    addresses: list[str] = []
    conditions: EndpointConditions = EndpointConditions()
    node_name: str | None = None


class EndpointPort(Value, frozen=True, gc=False):
    """`port` is absent where it is all ports."""

    port: int | None = None
    protocol: str = "TCP"


class EndpointSlice(Value, frozen=True):
    metadata: Metadata
    address_type: str = "IPv4"
    endpoints: list[Endpoint] = []
    ports: list[EndpointPort] = []

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key

    @property
    def service_key(self) -> ObjectKey | None:
        """The Service that it belongs to (KEP-752), or None for a slice that nobody claims."""
        name = self.metadata.labels.get(SERVICE_NAME_LABEL)
        return ObjectKey(self.metadata.namespace, name) if name else None


class Taint(Value, frozen=True):
    key: str
    effect: str = ""


class NodeSpec(Value, frozen=True):
    taints: list[Taint] = []


class NodeCondition(Value, frozen=True):
    type: str
    status: str
    message: str = ""


class NodeAddress(Value, frozen=True):
    type: str
    address: str


class NodeStatus(Value, frozen=True):
    conditions: list[NodeCondition] = []
    addresses: list[NodeAddress] = []


class Node(Value, frozen=True):
    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key


class Secret(Value, frozen=True):
    """Values of `data` are base64; `stringData` is accepted from files, as kubectl does, and wins."""

    metadata: Metadata
    data: dict[str, str] = {}
    string_data: dict[str, str] = {}

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key

    def __repr__(self) -> str:
        """Names only: a secret's value must not reach a log."""
        return f"Secret({self.key})"


class ServiceCIDRSpec(Value, frozen=True):
    cidrs: list[str] = []


class ServiceCIDR(Value, frozen=True):
    """The range of the cluster's own Service addresses (KEP-1880): never to be announced."""

    metadata: Metadata
    spec: ServiceCIDRSpec = ServiceCIDRSpec()

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key


class ConfigStatus(Value, frozen=True):
    """`nodes` is of a Drain: what the controller has granted to which."""

    conditions: list[Condition] = []
    nodes: list[DrainedNode] = []


class ConfigManifest(Value, frozen=True):
    """An object of one of Herald's own kinds, its spec as written. bgp_config decides what it means and whether it may."""

    kind: Kind
    metadata: Metadata
    spec: dict[str, Any] = {}
    status: ConfigStatus = ConfigStatus()

    @property
    def key(self) -> ObjectKey:
        return self.metadata.key


KubeObject: TypeAlias = Service | EndpointSlice | Node | Secret | ServiceCIDR | ConfigManifest
