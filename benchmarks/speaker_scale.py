"""The speaker on a real API server at 10, 1,000 and 10,000 Services: route changes, cold start, memory and CPU time.

One node with a session to each of two ToRs. Time of a change counts from the API server's answer to the PATCH of the
EndpointSlice. Without the data-path gate no kube-proxy runs; with it an announcement waits for one, which writes all
Services' rules. Memory is that of the speaker and its two ExaBGPs together (PSS), and of the speaker alone (RSS).

    ./run bench speaker_scale [--vips 10 1000 10000] [--gated 1000] [--events 200] [--quick]
"""

import argparse
import asyncio
import json
import ssl
import sys
import time
from http.client import OK, HTTPSConnection
from typing import Self
from urllib.parse import urlsplit

from _budgets import Figure, change_figures, judge, median_figure, node_figures
from _changes import (
    HEAD,
    POOL,
    SETTLE_S,
    UNDER_TEST,
    address_of,
    all_routed,
    changes,
    cpu_s,
    idle_percent,
    resident_mib,
    share_mib,
)
from _report import environment, scale, table

from herald.lab import manifests
from herald.lab.command import LabError
from herald.lab.kube.access import Access
from herald.lab.kube.client import MERGE_PATCH
from herald.lab.kube.cluster import Cluster
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.lab import Lab
from herald.lab.manifests import Manifest
from herald.lab.namespace import inside
from herald.lab.topology import Settings, rack

AT_ONCE = 500
NODE_PORTS = "2000-65000"
"""Every Local Service takes one for its health check."""


OFF, ON = "off, no kube-proxy", "on, 1 kube-proxy"


async def measure(vips: int, events: int, *, gate: bool, quick: bool) -> tuple[list[str], list[Figure]]:
    """The row of the table, and what is held to a budget: times only without the gate, since kube-proxy takes its own."""
    settings = Settings(
        nodes=1, pools=(POOL,), max_prefixes=2 * vips + 100, hold_time_s=30, keepalive_time_s=10, control=True
    )
    async with Lab(rack(settings)) as lab:
        cluster = Cluster(lab=lab, node_ports=NODE_PORTS)
        await cluster.start()
        await cluster.install()
        if not gate:
            cluster.proxies["node1"].kill()
        flags = () if gate else ("--data-path", "none")
        deployment = KubeDeployment(lab=lab, examples=None, speaker_flags=flags, cluster=cluster)
        deployment.prepare()
        fill(deployment, vips)
        begun = time.monotonic()
        deployment.start_speaker("node1")
        cold_start_s = await all_routed(deployment, vips) - begun
        cold_cpu_s = cpu_s(deployment)
        await asyncio.sleep(SETTLE_S)
        idle = await idle_percent(deployment, quick=quick)
        share, resident = share_mib(deployment), resident_mib(deployment)
        with ControlPlane(cluster.api.admin) as control_plane:
            measured = await changes(deployment, events, control_plane.set_ready)
        shares = share, share_mib(deployment)
        memory = [f"{share:.0f} -> {shares[1]:.0f}", f"{resident:.0f} -> {resident_mib(deployment):.0f}"]
        row = [f"{vips:,}", ON if gate else OFF, *measured.cells(), f"{cold_start_s:.1f}", f"{cold_cpu_s:.1f}"]
    of = f"{vips:,} VIPs{', gate on' if gate else ''}"
    figures = [] if gate else [median_figure(of, measured), *change_figures(of, measured, cold_start_s)]
    return [*row, *memory, f"{idle:.1f}"], [*figures, *node_figures(of, max(shares), idle)]


def fill(deployment: KubeDeployment, vips: int) -> None:
    """All Services with their VIPs, as a controller assigns them."""
    names = [UNDER_TEST, *(f"web-{number}" for number in range(1, vips))]
    for start in range(0, vips, AT_ONCE):
        part = list(enumerate(names))[start : start + AT_ONCE]
        objects = [service(name, number) for number, name in part]
        objects += [manifests.endpoint_slice(name, ["node1"]) for _, name in part]
        deployment.write(f"bulk/{start}.yaml", manifests.dump(objects))


def service(name: str, number: int) -> Manifest:
    made = manifests.service(name, allocateLoadBalancerNodePorts=False)
    made["status"] = {"loadBalancer": {"ingress": [{"ip": str(address_of(number)), "ipMode": "VIP"}]}}
    return made


class ControlPlane:
    """Patches the slice of UNDER_TEST over a connection that stays open."""

    def __init__(self, access: Access) -> None:
        self._access = access
        trust = ssl.create_default_context(cafile=access.ca)
        self._connection = HTTPSConnection(urlsplit(access.url).netloc, timeout=10, context=trust)

    def __enter__(self) -> Self:
        inside(str(self._access.namespace), self._connection.connect)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def set_ready(self, ready: bool) -> float:  # noqa: FBT001 -- what it is called with says it
        """The time of the server's answer."""
        made = manifests.endpoint_slice(UNDER_TEST, ["node1"], unready=[] if ready else ["node1"])
        headers = {"Authorization": f"Bearer {self._access.token}", "Content-Type": MERGE_PATCH}
        path = f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/{made['metadata']['name']}"
        self._connection.request("PATCH", path, json.dumps({"endpoints": made["endpoints"]}), headers)
        answer = self._connection.getresponse()
        at = time.monotonic()
        answer.read()
        if answer.status != OK:
            raise LabError(f"the API server refused: {answer.status}")
        return at


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gated", type=int, nargs="*", default=[1_000], help="so many VIPs with the data-path gate on")
    arguments = scale(parser)
    gated = arguments.vips[:1] if arguments.quick else arguments.gated
    rounds = [*((vips, False) for vips in arguments.vips), *((vips, True) for vips in gated)]
    found = [asyncio.run(measure(vips, arguments.events, gate=gate, quick=arguments.quick)) for vips, gate in rounds]
    print(f"{environment()}; 1 speaker, 2 peers, kube-apiserver; ms as p50 / p99 / max")
    more = (
        "cold start, s",
        "its CPU time, s",
        "all processes' PSS, MiB, before -> after",
        "speaker's RSS, MiB",
        "idle CPU, %",
    )
    head = [HEAD[0], "data-path gate", *HEAD[1:], *more]
    print(table(head, [row for row, _ in found]))
    return judge([figure for _, figures in found for figure in figures], quick=arguments.quick)


if __name__ == "__main__":
    sys.exit(main())
