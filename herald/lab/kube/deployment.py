"""Herald on a lab's cluster: the same words as herald.lab.deployment, on a real API server and through kube-proxy's rules.

A manifest that is written is applied to the server; the time of a change is that of the server's answer. VIPs are on no
device. So that the lab's HTTP servers are behind every Service, whatever its own ports are, each has one port more.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import yaml

from bgp_config.names import IPAddress
from herald.kube.objects import Kind, ObjectKey
from herald.lab import manifests
from herald.lab.deployment import Deployment
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.kube.cluster import Cluster
from herald.lab.kube.helm import NAMESPACE
from herald.lab.kube.tokens import pod_token
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.topology import CONTROL

LAB_PORT = {"name": "lab", "protocol": "TCP", "port": DEFAULT_PORT}


@dataclass(kw_only=True)
class KubeDeployment(Deployment):
    """`cluster` runs already and has Herald's definitions."""

    cluster: Cluster
    speaker_flags: Sequence[str] = ()
    controller_machine: str = CONTROL
    _namespaces: set[str] = field(default_factory=set)

    def prepare(self) -> None:
        """As in a folder; then everything is applied."""
        super().prepare()
        for path in sorted(self.manifests.rglob("*.yaml")):
            self._apply(path.read_text())

    def write(self, name: str, text: str) -> float:
        """Applies the manifests; returns the time of the server's answer (monotonic)."""
        super().write(name, text)
        return self._apply(text)

    def remove(self, name: str) -> None:
        for manifest in _objects((self.manifests / name).read_text()):
            self.cluster.api.client.delete(manifest)
        super().remove(name)

    def write_secret(self, name: str, password: str) -> None:
        self._apply(yaml.safe_dump(manifests.secret(name, password)))

    def vips(self) -> dict[ObjectKey, tuple[IPAddress, ...]]:
        """What is in the status of Services."""
        found: dict[ObjectKey, tuple[IPAddress, ...]] = {}
        for service in self.cluster.api.client.get("/api/v1/services")["items"]:
            key = ObjectKey(service["metadata"]["namespace"], service["metadata"]["name"])
            found[key] = tuple(ip_address(entry["ip"]) for entry in service["status"]["loadBalancer"].get("ingress", ()))
        return {key: vips for key, vips in found.items() if vips}

    def _source_flags(self, word: str, node: str | None = None) -> list[str]:
        """With the rights of the service account that the chart gives the program, as a pod on this node.

        A program that is started again has the token that it had, as a restarted container of that pod has.
        """
        pod, api = f"{word}-{node or CONTROL}", self.cluster.api
        kubeconfig = self.directory / f"{pod}.kubeconfig"
        if not kubeconfig.exists():
            token = pod_token(api.client, namespace=NAMESPACE, service_account=f"herald-{word}", pod=pod, node=node)
            api.admin.with_token(token).write_kubeconfig(kubeconfig)
        identity = ["--identity", pod] if word == "controller" else []
        return ["--kubeconfig", str(kubeconfig), *identity]

    def _apply(self, text: str) -> float:
        objects = [self._with_lab_port(manifest) for manifest in _objects(text)]
        new = {manifest["metadata"].get("namespace") for manifest in objects} - self._namespaces - {None}
        self.cluster.api.client.apply([*(manifests.namespace(name) for name in sorted(new)), *objects])
        self._namespaces |= new
        return time.monotonic()

    def _with_lab_port(self, manifest: Manifest) -> Manifest:
        match manifest["kind"]:
            case Kind.SERVICE:
                spec = manifest["spec"]
                return {**manifest, "spec": {**spec, "ports": [*spec.get("ports", ()), LAB_PORT]}}
            case Kind.ENDPOINT_SLICE:
                endpoints = [self._at_its_node(endpoint, manifest["addressType"]) for endpoint in manifest["endpoints"]]
                return {**manifest, "ports": [*manifest.get("ports", ()), LAB_PORT], "endpoints": endpoints}
            case _:
                return manifest

    def _at_its_node(self, endpoint: Manifest, family: str) -> Manifest:
        """The lab's HTTP servers have the addresses of their nodes."""
        node = next(node for node in self.lab.topology.nodes if node.name == endpoint["nodeName"])
        addresses = [str(interface.ip) for interface in node.addresses if f"IPv{interface.version}" == family]
        return {**endpoint, "addresses": addresses}


async def kube_deployment(lab: Lab, *, examples: Path | None, speaker_flags: Sequence[str] = ()) -> KubeDeployment:
    """A cluster on this lab, which has a control plane, and Herald's definitions in it. `prepare` it, then `start`."""
    cluster = Cluster(lab=lab)
    await cluster.start()
    await cluster.install()
    return KubeDeployment(lab=lab, examples=examples, speaker_flags=speaker_flags, cluster=cluster)


def _objects(text: str) -> Iterable[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document is not None]
