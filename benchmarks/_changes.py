"""Measures route changes of one node with a session to each of two ToRs: from a changed EndpointSlice to wire and kernel."""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from _report import percentile

from bgp_config.names import IPAddress, host_prefix
from herald.lab.deployment import Deployment, until
from herald.lab.namespace import processes_in

POOL = IPv4Network("10.64.0.0/14")
TORS = ("tor1", "tor2")
UNDER_TEST = "under-test"
COLD_START_LIMIT_S = 120
SETTLE_S = 2.0
IDLE_S, QUICK_IDLE_S = 20.0, 3.0
HEAD = ("VIPs", "withdraw on the wire", "announce on the wire", "withdrawn in the kernels", "announced in the kernels")


@dataclass(slots=True)
class Measured:
    """Seconds to the later of both ToRs, from when the slice was changed."""

    wire: dict[str, list[float]] = field(default_factory=lambda: {"withdraw": [], "announce": []})
    kernel: dict[str, list[float]] = field(default_factory=lambda: {"withdraw": [], "announce": []})

    def cells(self) -> list[str]:
        """In the order of HEAD: p50 / p99 / max in ms."""
        columns: Sequence[list[float]] = (
            self.wire["withdraw"],
            self.wire["announce"],
            self.kernel["withdraw"],
            self.kernel["announce"],
        )
        return [
            " / ".join(f"{1000 * v:.1f}" for v in (percentile(values, 50), percentile(values, 99), max(values)))
            for values in columns
        ]


def address_of(number: int) -> IPAddress:
    """The VIP of the Service of this number; that of UNDER_TEST is 0."""
    return IPv4Address(int(POOL.network_address) + 1 + number)


async def all_routed(deployment: Deployment, vips: int) -> float:
    """The time when both ToRs' kernels have so many VIPs."""

    def complete() -> bool:
        return all(len(deployment.next_hops(tor)) == vips for tor in TORS)

    said = deployment.speakers["node1"].output
    return await until(complete, COLD_START_LIMIT_S, lambda: f"not all routed; the speaker's last words: {said()[-500:]}")


async def changes(deployment: Deployment, events: int, set_ready: Callable[[bool], float]) -> Measured:
    """So many changes of the endpoint of UNDER_TEST, in turn unready and ready; `set_ready` tells when it did so."""
    measured = Measured()
    for number in range(events):
        await _change(deployment, measured, set_ready, ready=number % 2 == 1)
    return measured


async def _change(deployment: Deployment, measured: Measured, set_ready: Callable[[bool], float], *, ready: bool) -> None:
    lab, prefix = deployment.lab, host_prefix(address_of(0))
    what = "announce" if ready else "withdraw"
    async with (
        lab.capture_updates("node1", TORS[0]) as wire1,
        lab.capture_updates("node1", TORS[1]) as wire2,
        lab.follow_routes(TORS[0]) as kernel1,
        lab.follow_routes(TORS[1]) as kernel2,
    ):
        at = set_ready(ready)
        updates = [await w.first(lambda u: prefix in {*u.update.announced, *u.update.withdrawn}, 10) for w in (wire1, wire2)]
        routes = [await k.first(lambda r: r.prefix == prefix, 10) for k in (kernel1, kernel2)]
    measured.wire[what].append(max(u.at for u in updates) - at)
    measured.kernel[what].append(max(r.at for r in routes) - at)
    await asyncio.sleep(0.1)


def resident_mib(deployment: Deployment) -> float:
    """Of the speaker itself, without its ExaBGPs."""
    return _kib(Path(f"/proc/{deployment.speakers['node1'].pid}/status"), "VmRSS") / 1024


def share_mib(deployment: Deployment) -> float:
    """Of all of the speaker's processes, pages that they share counted once (PSS): about what a cgroup would charge."""
    return sum(_kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss") for pid in _processes(deployment)) / 1024


def cpu_s(deployment: Deployment) -> float:
    """CPU time that the speaker itself has used."""
    return _cpu_s(deployment.speakers["node1"].pid)


async def idle_percent(deployment: Deployment, *, quick: bool) -> float:
    """CPU time of all of the speaker's processes while nothing happens, in percent of a core."""
    pids, seconds = _processes(deployment), QUICK_IDLE_S if quick else IDLE_S
    before = sum(_cpu_s(pid) for pid in pids)
    await asyncio.sleep(seconds)
    return 100 * (sum(_cpu_s(pid) for pid in pids) - before) / seconds


def _processes(deployment: Deployment) -> list[int]:
    """The speaker, its ExaBGPs and their helpers."""
    speaker = deployment.speakers["node1"].pid
    return [pid for pid in processes_in([deployment.lab.namespace("node1")]) if pid == speaker or _descends(pid, speaker)]


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _kib(path: Path, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    return int(found.group(1)) if found else 0


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if pid == ancestor:
            return True
    return False
