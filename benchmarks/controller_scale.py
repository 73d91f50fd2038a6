"""The controller on a real API server: so many Services that wait for an address, and a start when all have one.

Time counts from the start of the program, whose Lease is free: it includes Python's own start, and the renewal that a new
leader waits. CPU time and memory (RSS, the most there was) are those of the controller alone.

    ./run bench controller_scale [--services 1000 10000] [--quick]
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _report import environment, table

from herald.kube.objects import Kind
from herald.lab import manifests, process
from herald.lab.kube.api_server import ApiServer, api_server
from herald.lab.kube.helm import NAMESPACE, install
from herald.lab.kube.tokens import pod_token
from herald.lab.manifests import Manifest
from herald.lab.process import Process
from herald.lab.waiting import until

AT_ONCE = 500
PLAIN: Manifest = {"allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]}
TIMEOUT_S, QUICK_TIMEOUT_S = 600.0, 40.0
"""A quick round takes 4 s; it fails when that becomes an order of magnitude more."""
POD = "controller"
SERVICES = "/api/v1/namespaces/default/services"
HEAD = ("Services", "what", "time [s]", "CPU [s]", "RSS [MiB]")


@dataclass(slots=True)
class Run:
    """One life of the controller."""

    controller: Process
    begun: float

    def count(self, message: str) -> int:
        return self.controller.output().count(f'"message":"{message}"')

    def row(self, services: int, what: str) -> list[str]:
        took_s = time.monotonic() - self.begun
        stat = Path(f"/proc/{self.controller.pid}/stat").read_text().rpartition(")")[2].split()
        cpu_s = (int(stat[11]) + int(stat[12])) / 100
        peak = next(line for line in Path(f"/proc/{self.controller.pid}/status").read_text().splitlines() if "VmHWM" in line)
        return [f"{services:,}", what, f"{took_s:.1f}", f"{cpu_s:.1f}", f"{int(peak.split()[1]) / 1024:.0f}"]


@contextmanager
def controller(server: ApiServer, directory: Path, name: str) -> Iterator[Run]:
    token = pod_token(server.client, namespace=NAMESPACE, service_account="herald-controller", pod=POD)
    kubeconfig = server.admin.with_token(token).write_kubeconfig(directory / "kubeconfig")
    flags = ["--kubeconfig", str(kubeconfig), "--identity", POD, "--namespace", NAMESPACE, "--listen", "127.0.0.1:0"]
    begun = time.monotonic()
    argv = [sys.executable, "-m", "herald", "controller", *flags]
    running = process.start(None, argv, name=name, log=directory / f"{name}.log")
    try:
        yield Run(running, begun)
    finally:
        running.terminate()
        running.reap()


async def measure(services: int, timeout_s: float) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        async with api_server(directory) as server:
            await install(server.client)
            server.client.apply([manifests.manifest(Kind.ADDRESS_POOL, "default", {"blocks": [{"cidr": "10.0.0.0/8"}]})])
            create(server, [f"web-{number}" for number in range(services)])
            with controller(server, directory, "first") as run:
                await until(lambda: run.count("assigned") == services, timeout_s, every_s=0.2)
                rows = [run.row(services, "all pending: until all are assigned")]
            assigned = vips(server)
            if len(assigned) != services:
                raise RuntimeError(f"{services} Services have {len(assigned)} different VIPs")
            with controller(server, directory, "second") as run:
                create(server, ["one-more"])
                await until(lambda: run.count("assigned") == 1, timeout_s, every_s=0.05)
                rows.append(run.row(services, "all assigned: from the start until one more is"))
            if not assigned < vips(server):
                raise RuntimeError("VIPs have moved")
            return rows


def create(server: ApiServer, names: list[str]) -> None:
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        server.client.apply(manifests.service(name, policy="Cluster", **PLAIN) for name in part)


def vips(server: ApiServer) -> set[str]:
    items = server.client.get(SERVICES)["items"]
    return {entry["ip"] for item in items for entry in item["status"]["loadBalancer"].get("ingress", ())}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--quick", action="store_true", help="100 Services: shows that it works, measures little")
    arguments = parser.parse_args()
    counts, timeout_s = ([100], QUICK_TIMEOUT_S) if arguments.quick else (arguments.services, TIMEOUT_S)
    rows = [row for services in counts for row in await measure(services, timeout_s)]
    print(f"{environment()}; 1 controller, kube-apiserver, no speaker, no kube-proxy")
    print(table(HEAD, rows))


if __name__ == "__main__":
    asyncio.run(main())
