"""How long from a changed EndpointSlice to the UPDATE on the wire and the ToR's kernel, at 10, 1,000 and 10,000 VIPs.

One node with a session to each of two ToRs; the directory source, so time counts from the rename of the slice's file; no
data-path gate. Also how long the cold start takes: from the speaker's start until both ToRs' kernels have every VIP.

    ./run bench route_changes [--vips 10 1000 10000] [--events 200] [--quick]
"""

import argparse
import asyncio
import sys
import time

from _budgets import Figure, change_figures, judge, node_figures
from _changes import (
    HEAD,
    POOL,
    SETTLE_S,
    UNDER_TEST,
    address_of,
    all_routed,
    changes,
    idle_percent,
    resident_mib,
    share_mib,
)
from _report import environment, scale, table

from herald.kube.directory import DirectoryStatusWriter
from herald.kube.objects import Metadata, Service
from herald.lab import manifests
from herald.lab.deployment import Deployment
from herald.lab.lab import Lab
from herald.lab.topology import Settings, rack

SERVICES_PER_FILE = 500


async def measure(vips: int, events: int, *, quick: bool) -> tuple[list[str], list[Figure]]:
    """The row of the table, and what is held to a budget."""
    settings = Settings(nodes=1, pools=(POOL,), max_prefixes=2 * vips + 100, hold_time_s=30, keepalive_time_s=10)
    async with Lab(rack(settings)) as lab:
        deployment = Deployment(lab=lab, examples=None, speaker_flags=())
        deployment.prepare()
        await fill(deployment, vips)
        begun = time.monotonic()
        deployment.start_speaker("node1")
        cold_start_s = await all_routed(deployment, vips) - begun
        await asyncio.sleep(SETTLE_S)
        idle = await idle_percent(deployment, quick=quick)

        def set_ready(ready: bool) -> float:  # noqa: FBT001 -- what it is called with says it
            return deployment.write_slice(UNDER_TEST, unready=[] if ready else ["node1"])

        measured = await changes(deployment, events, set_ready)
        memory = share_mib(deployment)
        row = [f"{vips:,}", *measured.cells(), f"{cold_start_s:.1f}", f"{resident_mib(deployment):.0f}", f"{idle:.1f}"]
    of = f"{vips:,} VIPs"
    return row, [*change_figures(of, measured, cold_start_s), *node_figures(of, memory, idle)]


async def fill(deployment: Deployment, vips: int) -> None:
    """All Services with their VIPs; the one under test has an EndpointSlice file of its own."""
    writer = DirectoryStatusWriter(deployment.state)
    names = [UNDER_TEST, *(f"web-{number}" for number in range(1, vips))]
    for number, name in enumerate(names):
        service = Service(metadata=Metadata(name=name, namespace="default"))
        await writer.write_ingress(service, [address_of(number)])
    for start in range(0, vips, SERVICES_PER_FILE):
        part = names[start : start + SERVICES_PER_FILE]
        objects = [manifests.service(name) for name in part]
        objects += [manifests.endpoint_slice(name, ["node1"]) for name in part if name != UNDER_TEST]
        deployment.write(f"bulk/{start}.yaml", manifests.dump(objects))
    deployment.write_slice(UNDER_TEST)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments = scale(parser)
    print(f"{environment()}; 1 speaker, 2 peers, directory source, no kube-proxy, data-path gate off; ms as p50 / p99 / max")
    found = [asyncio.run(measure(vips, arguments.events, quick=arguments.quick)) for vips in arguments.vips]
    print(table([*HEAD, "cold start, s", "speaker's RSS, MiB", "idle CPU, %"], [row for row, _ in found]))
    return judge([figure for _, figures in found for figure in figures], quick=arguments.quick)


if __name__ == "__main__":
    sys.exit(main())
