"""How long from a changed EndpointSlice to the UPDATE on the wire and the ToR's kernel, at 10, 1,000 and 10,000 VIPs.

One node with a session to each of two ToRs; the directory source, so time counts from the rename of the slice's file; no
data-path gate. Also how long the cold start takes: from the speaker's start until both ToRs' kernels have every VIP.

    ./run bench route_changes [--vips 10 1000 10000] [--events 120]
"""

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from _report import environment, percentile, table

from bgp_config.names import IPAddress, host_prefix
from herald.kube.directory import DirectoryStatusWriter
from herald.kube.objects import Metadata, Service
from herald.lab import manifests
from herald.lab.deployment import Deployment, until
from herald.lab.lab import Lab
from herald.lab.topology import Settings, rack

POOL = IPv4Network("10.64.0.0/14")
SERVICES_PER_FILE = 500
TORS = ("tor1", "tor2")
UNDER_TEST = "under-test"


@dataclass(slots=True)
class Measured:
    """Seconds from the rename to the later of both ToRs."""

    wire: dict[str, list[float]] = field(default_factory=lambda: {"withdraw": [], "announce": []})
    kernel: dict[str, list[float]] = field(default_factory=lambda: {"withdraw": [], "announce": []})
    cold_start_s: float = 0.0
    memory_mib: float = 0.0


async def measure(vips: int, events: int) -> Measured:
    settings = Settings(nodes=1, pools=(POOL,), max_prefixes=2 * vips + 100, hold_time_s=30, keepalive_time_s=10)
    async with Lab(rack(settings)) as lab:
        deployment = Deployment(lab=lab, examples=None, speaker_flags=())
        deployment.prepare()
        await fill(deployment, vips)
        measured = Measured()
        begun = time.monotonic()
        deployment.start_speaker("node1")
        for tor in TORS:
            complete = until(lambda tor=tor: len(deployment.next_hops(tor)) == vips, 300, lambda: "not all routed")  # type: ignore[misc]
            measured.cold_start_s = await complete - begun
        await asyncio.sleep(2)
        for number in range(events):
            await change(deployment, measured, ready=number % 2 == 1)
        measured.memory_mib = resident_mib(deployment)
        return measured


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


def address_of(number: int) -> IPAddress:
    return IPv4Address(int(POOL.network_address) + 1 + number)


async def change(deployment: Deployment, measured: Measured, *, ready: bool) -> None:
    lab, prefix = deployment.lab, host_prefix(address_of(0))
    what = "announce" if ready else "withdraw"
    async with (
        lab.capture_updates("node1", TORS[0]) as wire1,
        lab.capture_updates("node1", TORS[1]) as wire2,
        lab.follow_routes(TORS[0]) as kernel1,
        lab.follow_routes(TORS[1]) as kernel2,
    ):
        at = deployment.write_slice(UNDER_TEST, unready=[] if ready else ["node1"])
        updates = [await w.first(lambda u: prefix in {*u.update.announced, *u.update.withdrawn}, 10) for w in (wire1, wire2)]
        routes = [await k.first(lambda r: r.prefix == prefix, 10) for k in (kernel1, kernel2)]
    measured.wire[what].append(max(u.at for u in updates) - at)
    measured.kernel[what].append(max(r.at for r in routes) - at)
    await asyncio.sleep(0.1)


def resident_mib(deployment: Deployment) -> float:
    """Of the speaker itself, without its ExaBGPs."""
    status = deployment.speakers["node1"].pid
    with open(f"/proc/{status}/status", encoding="ascii") as lines:  # noqa: PTH123 -- procfs
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def row(vips: int, measured: Measured) -> list[str]:
    def cell(values: list[float]) -> str:
        return " / ".join(f"{1000 * v:.1f}" for v in (percentile(values, 50), percentile(values, 99), max(values)))

    columns = (
        measured.wire["withdraw"],
        measured.wire["announce"],
        measured.kernel["withdraw"],
        measured.kernel["announce"],
    )
    return [f"{vips:,}", *map(cell, columns), f"{measured.cold_start_s:.1f}", f"{measured.memory_mib:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vips", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--events", type=int, default=120)
    arguments = parser.parse_args()
    print(f"{environment()}; 1 speaker, 2 peers, directory source, no data-path gate; ms as p50 / p99 / max")
    head = ["VIPs", "withdraw on the wire", "announce on the wire", "withdrawn in the kernels", "announced in the kernels"]
    rows = [row(vips, asyncio.run(measure(vips, arguments.events))) for vips in arguments.vips]
    print(table([*head, "cold start, s", "speaker RSS, MiB"], rows))


if __name__ == "__main__":
    main()
