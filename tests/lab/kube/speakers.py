"""Speakers on a lab's cluster without a controller: the test assigns the VIPs, so that only speakers are at work."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

from bgp_config.names import IPAddress
from herald.lab.kube.deployment import KubeDeployment, kube_deployment
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, rack

TIMEOUT_S = 30.0


@asynccontextmanager
async def speakers(
    services: Mapping[str, str], *, nodes: int = 2, flags: Sequence[str] = ()
) -> AsyncIterator[KubeDeployment]:
    """Services with these VIPs and an endpoint on every node, which all ToRs' kernels have as next hops."""
    async with Lab(rack(Settings(nodes=nodes, control=True))) as lab:
        deployment = await kube_deployment(lab, examples=None, speaker_flags=flags)
        deployment.prepare()
        for port, password in lab.topology.settings.passwords.items():
            deployment.write_secret(port, password)
        for name, vip in services.items():
            deployment.write_service(name)
            assign(deployment, name, vip)
        for node in deployment.nodes:
            deployment.start_endpoint(node)
            deployment.start_speaker(node)
        await deployment.routed(everywhere(deployment, *services.values()), TIMEOUT_S)
        yield deployment
        for node, speaker in deployment.speakers.items():
            assert "Traceback" not in speaker.output(), f"the speaker of {node} has failed: {speaker.output()}"


def assign(deployment: KubeDeployment, name: str, *vips: str) -> None:
    """As the controller does."""
    service: Manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}}
    status = {"status": {"loadBalancer": {"ingress": [{"ip": vip, "ipMode": "VIP"} for vip in vips]}}}
    deployment.cluster.api.client.merge(service, status, subresource="status")


def everywhere(deployment: KubeDeployment, *vips: str) -> dict[IPAddress, frozenset[str]]:
    """These VIPs with all nodes as their next hops."""
    return {ip_address(vip): frozenset(deployment.nodes) for vip in vips}
