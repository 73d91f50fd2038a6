"""Herald's programs on a lab, for tests that look at routers only."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bgp_config.names import IPAddress
from herald.kube.objects import Kind, ObjectKey
from herald.lab import manifests
from herald.lab.deployment import Deployment, until
from herald.lab.kube.deployment import kube_deployment
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings, Topology, rack

TIMEOUT_S = 30.0


@asynccontextmanager
async def fabric(
    topology: Topology | None = None,
    *,
    services: Sequence[str] = ("web", "db"),
    flags: Sequence[str] = (),
    passwords: bool = True,
    all_nodes_everywhere: bool = True,
    kube: bool = False,
    graceful: Mapping[str, int] | None = None,
) -> AsyncIterator[Deployment]:
    """A running deployment of these Services on every node; all their VIPs are in all ToRs' kernels.

    `kube`: on a real API server, with kube-proxies; the topology, if given, has a control plane. Else from a folder.
    `graceful`: the restart time of the peers at each of these ToRs; the others are without graceful restart.
    """
    async with Lab(topology or rack(Settings(control=kube))) as lab:
        if kube:
            deployment: Deployment = await kube_deployment(lab, examples=None, speaker_flags=flags)
        else:
            deployment = Deployment(lab=lab, examples=None, speaker_flags=flags)
        deployment.prepare()
        if graceful:
            deployment.write("network.yaml", manifests.dump(_gracefully(manifests.network(lab.topology), graceful)))
        if passwords:
            for port, password in lab.topology.settings.passwords.items():
                deployment.write_secret(port, password)
        for name in services:
            deployment.write_service(name)
        deployment.start()
        await until(
            lambda: len(deployment.vips()) == len(services), TIMEOUT_S, lambda: f"only {deployment.vips()} have a VIP"
        )
        if passwords and all_nodes_everywhere:
            await deployment.routed(everywhere(deployment), TIMEOUT_S)
        yield deployment
        for name, speaker in deployment.speakers.items():
            assert "Traceback" not in speaker.output(), f"the speaker of {name} has failed: {speaker.output()}"


def _gracefully(network: Iterable[Manifest], restart_times: Mapping[str, int]) -> Iterator[Manifest]:
    for each in network:
        tor = next((tor for tor in restart_times if f"-{tor}" in each["metadata"]["name"]), None)
        if each["kind"] == Kind.BGP_PEER and tor is not None:
            each["spec"]["gracefulRestart"] = {"restartTimeSeconds": restart_times[tor]}
        yield each


def vip(deployment: Deployment, name: str) -> IPAddress:
    """The first VIP of the Service of this name in the namespace `default`."""
    return deployment.vips()[ObjectKey("default", name)][0]


def everywhere(deployment: Deployment) -> dict[IPAddress, frozenset[str]]:
    """Every VIP with all nodes as its next hops."""
    nodes = frozenset(deployment.nodes)
    return {address: nodes for addresses in deployment.vips().values() for address in addresses}


def without(expected: dict[IPAddress, frozenset[str]], node: str, *only: IPAddress) -> dict[IPAddress, frozenset[str]]:
    """The same without this node, for these VIPs or for all."""
    return {v: nodes - {node} if not only or v in only else nodes for v, nodes in expected.items()}
