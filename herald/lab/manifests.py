"""Manifests for a lab's topology: its nodes, a BGPPeer per node port, the BFDProfile where its ToRs run BFD, and Services
with their EndpointSlices. Pure.

deploy/examples are the manifests of the plain rack as a person would write them; these are for every other topology.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from bgp_config.names import IPAddress, Prefix
from herald.kube.objects import API_VERSIONS, SERVICE_NAME_LABEL, Kind
from herald.lab.topology import Bfd, Cable, MachineName, Node, Topology

Manifest = dict[str, Any]
"""One object as YAML and JSON have it."""


def dump(manifests: Iterable[Manifest]) -> str:
    """One file with all of them."""
    return yaml.safe_dump_all(manifests, sort_keys=False)


def network(topology: Topology) -> list[Manifest]:
    """Nodes, peers, the pool `default` of all that the ToRs accept, and an advertisement of everything to everyone; with the
    BFDProfile `default` that says what the ToRs say.
    """
    pools = topology.settings.pools
    return [
        *(node(each) for each in topology.nodes),
        *peers(topology),
        *([bfd_profile("default", topology.settings.bfd)] if topology.settings.bfd else ()),
        pool("default", pools if topology.settings.ipv6 else [p for p in pools if p.version == 4]),  # noqa: PLR2004
        manifest(Kind.BGP_ADVERTISEMENT, "default", {}),
    ]


def node(each: Node) -> Manifest:
    made = manifest(Kind.NODE, each.name, labels={"kubernetes.io/hostname": each.name})
    made["status"] = {"addresses": [{"type": "InternalIP", "address": str(i.ip)} for i in each.addresses]}
    return made


def peers(topology: Topology) -> list[Manifest]:
    """One per node port and family, named NODE-TOR and NODE-TOR-v6; with the Secret NODE-TOR if it has a password."""
    ports = [(each, topology.cable(each.name, tor)) for each in topology.nodes for tor in topology.tors_of(each.name)]
    return [_peer(topology, each, port, interface.ip) for each, port in ports for interface in port.upper.addresses]


def _peer(topology: Topology, each: Node, port: Cable, address: IPAddress) -> Manifest:
    name, settings = f"{each.name}-{port.upper.machine}".lower(), topology.settings
    asn = next(tor.asn for tor in topology.tors if tor.name == port.upper.machine)
    spec: Manifest = {
        "localASN": each.asn,
        "peerASN": asn,
        "peerAddress": str(address),
        "holdTimeSeconds": settings.hold_time_s,
        "keepaliveTimeSeconds": settings.keepalive_time_s,
        "nodeSelectors": [{"matchLabels": {"kubernetes.io/hostname": each.name}}],
    }
    if settings.bfd is not None:
        spec["bfdProfile"] = "default"
    if name in settings.passwords:
        spec["passwordSecret"] = {"namespace": "herald-system", "name": name}
    return manifest(Kind.BGP_PEER, name if address.version == 4 else f"{name}-v6", spec)  # noqa: PLR2004


def bfd_profile(name: str, bfd: Bfd, **spec: object) -> Manifest:
    said = {"intervalMilliseconds": bfd.interval_ms, "multiplier": bfd.multiplier, **spec}
    return manifest(Kind.BFD_PROFILE, name, said)


def pool(name: str, prefixes: Iterable[Prefix]) -> Manifest:
    return manifest(Kind.ADDRESS_POOL, name, {"blocks": [{"cidr": str(prefix)} for prefix in prefixes]})


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def secret(name: str, password: str) -> Manifest:
    metadata = {"name": name, "namespace": "herald-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": password}}


def service(name: str, *, policy: str = "Local", families: Sequence[str] = ("IPv4",), **spec: object) -> Manifest:
    """A LoadBalancer Service of the namespace `default`."""
    dual = {"ipFamilyPolicy": "RequireDualStack"} if len(families) > 1 else {}
    return manifest(
        Kind.SERVICE,
        name,
        {"type": "LoadBalancer", "externalTrafficPolicy": policy, "ipFamilies": list(families), **dual, **spec},
        namespace="default",
    )


def endpoint_slice(
    owner: str, nodes: Iterable[MachineName | str], *, family: str = "IPv4", unready: Iterable[str] = ()
) -> Manifest:
    """One endpoint on each node; of no consequence is what its address is."""
    made = manifest(
        Kind.ENDPOINT_SLICE, f"{owner}-{family.lower()}", namespace="default", labels={SERVICE_NAME_LABEL: owner}
    )
    prefix = "10.244.0." if family == "IPv4" else "fd00:244::"
    made["addressType"] = family
    made["endpoints"] = [
        {
            "addresses": [f"{prefix}{number}"],
            "nodeName": name,
            "conditions": {"ready": name not in unready, "serving": name not in unready, "terminating": False},
        }
        for number, name in enumerate(nodes, 1)
    ]
    return made


def manifest(
    kind: Kind,
    name: str,
    spec: Mapping[str, object] | None = None,
    *,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Manifest:
    metadata: Manifest = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    made: Manifest = {"apiVersion": API_VERSIONS[kind], "kind": kind.value, "metadata": metadata}
    if spec is not None:
        made["spec"] = dict(spec)
    return made
