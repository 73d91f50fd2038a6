"""Where each kind lives in the API: group, version, plural, namespaced. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from herald.kube.objects import API_VERSIONS, CONFIG_API_VERSION, Kind, ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind as the API server knows it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = False

    def collection(self, namespace: str = "") -> str:
        """The path to list, watch or create in; without a namespace that of all of them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"

    def path(self, key: ObjectKey, subresource: str = "") -> str:
        path = f"{self.collection(key.namespace)}/{key.name}"
        return f"{path}/{subresource}" if subresource else path


_PLURALS = {
    Kind.SERVICE: "services",
    Kind.ENDPOINT_SLICE: "endpointslices",
    Kind.NODE: "nodes",
    Kind.SECRET: "secrets",
    Kind.SERVICE_CIDR: "servicecidrs",
    Kind.ADDRESS_POOL: "addresspools",
    Kind.BGP_PEER: "bgppeers",
    Kind.BGP_ADVERTISEMENT: "bgpadvertisements",
    Kind.COMMUNITY: "communities",
    Kind.BFD_PROFILE: "bfdprofiles",
    Kind.HEALTH_CHECK: "healthchecks",
    Kind.DRAIN: "drains",
}
NAMESPACED = frozenset({Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.SECRET})

RESOURCES: Mapping[Kind, Resource] = {
    kind: Resource(api_version=API_VERSIONS[kind], kind=str(kind), plural=plural, namespaced=kind in NAMESPACED)
    for kind, plural in _PLURALS.items()
}
BGP_NODES = Resource(api_version=CONFIG_API_VERSION, kind="BGPNode", plural="bgpnodes")
BGP_SESSIONS = Resource(api_version=CONFIG_API_VERSION, kind="BGPSession", plural="bgpsessions")
LEASES = Resource(api_version="coordination.k8s.io/v1", kind="Lease", plural="leases", namespaced=True)
EVENTS = Resource(api_version="events.k8s.io/v1", kind="Event", plural="events", namespaced=True)
