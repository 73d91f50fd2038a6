"""Looks at the lab: kernels, sessions, VIPs and processes, as the values of observation.py. It never asks Herald."""

import time
from collections.abc import Mapping
from pathlib import Path

from bgp_config.communities import GRACEFUL_SHUTDOWN
from bgp_config.names import IPAddress
from herald.lab.chaos.observation import NextHops, Paths, Sessions, Since, Usage, Vips
from herald.lab.command import LabError
from herald.lab.deployment import Deployment
from herald.lab.kube.client import ApiError
from herald.lab.topology import MachineName

PAGE = 4096
UPTIME_S = 1.0
"""FRR counts whole seconds."""


def next_hops(deployment: Deployment) -> NextHops:
    return {tor: deployment.next_hops(tor) for tor in deployment.tors}


def vips(deployment: Deployment, before: Vips) -> Vips:
    """As they were before when the API server is away."""
    try:
        return {key.name: addresses for key, addresses in deployment.vips().items()}
    except ApiError:
        return before


async def sessions(deployment: Deployment) -> Sessions:
    """Those of a router that does not answer are not there."""
    asked = time.monotonic()
    since: dict[tuple[str, str], Since] = {}
    for tor in deployment.tors:
        node_of, begin = deployment.node_addresses(tor), time.monotonic()
        try:
            found = await deployment.lab.routers[MachineName(tor)].sessions()
        except LabError:
            continue
        end = time.monotonic()
        since |= {
            (tor, node_of[peer]): Since(earliest=begin - session.state_s - UPTIME_S, latest=end - session.state_s)
            for peer, session in found.items()
            if session.established and peer in node_of
        }
    return Sessions(asked=asked, answered=time.monotonic(), since=since)


async def paths(deployment: Deployment) -> Paths:
    """Those of a router that does not answer are not there."""
    asked = time.monotonic()
    seen: dict[tuple[str, str, IPAddress], bool] = {}
    for tor in deployment.tors:
        node_of = deployment.node_addresses(tor)
        try:
            rib = await deployment.lab.routers[MachineName(tor)].rib()
        except LabError:
            continue
        known = (path for path in rib if path.peer in node_of)
        seen |= {
            (tor, node_of[path.peer], path.prefix.network_address): GRACEFUL_SHUTDOWN in path.communities for path in known
        }
    return Paths(asked=asked, answered=time.monotonic(), least_preferred=seen)


def usages(deployment: Deployment) -> Mapping[str, Usage]:
    """Of Herald's own programs, by name and process, so that a new life is another process."""
    running = {f"speaker of {node}": process for node, process in deployment.speakers.items()}
    running |= {f"bfd of {node}": process for node, process in deployment.bfds.items()}
    if deployment.controller is not None:
        running["controller"] = deployment.controller
    found = {f"{name}, process {process.pid}": _usage(process.pid) for name, process in running.items() if process.running}
    return {name: usage for name, usage in found.items() if usage is not None}


def _usage(pid: int) -> Usage | None:
    """None of a process that just ends."""
    try:
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    return Usage(at=time.monotonic(), memory_bytes=resident * PAGE, files=files)
