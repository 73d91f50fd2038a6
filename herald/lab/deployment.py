"""Herald on a lab: the controller, and a speaker and an endpoint on every node, fed from a copy of a folder of manifests;
where the lab's ToRs run BFD, `herald bfd` on every node too. herald.lab.kube.deployment is the same on a real API server.

The demo, the lab's tests and the benchmarks drive Herald through this and look at routers only; nothing here asks Herald
what it announces.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import msgspec
import yaml

from bgp_config.names import IPAddress, host_prefix
from herald.kube.objects import ObjectKey
from herald.lab import manifests, waiting
from herald.lab.command import LabError
from herald.lab.lab import Lab
from herald.lab.process import Process
from herald.lab.topology import MachineName
from herald.lab.traffic import Endpoint

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


class _StatusFile(msgspec.Struct):
    vips: list[str] = []


@dataclass(slots=True, kw_only=True)
class Deployment:
    """`examples` None: the manifests of the lab's own network. Files live in the lab's directory and go with it.

    `speaker_flags` come after those that every speaker gets.
    """

    lab: Lab
    examples: Path | None = EXAMPLES
    speaker_flags: Sequence[str] = ("--bind-vips",)
    controller_machine: str = "client"
    """It only reads and writes files: where it runs does not matter."""
    env: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = ("-m", "herald")
    """What Python runs for all of Herald's programs; their words and flags follow."""
    controller: Process | None = None
    speakers: dict[str, Process] = field(default_factory=dict)
    bfds: dict[str, Process] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return self.lab.directory / "herald"

    @property
    def manifests(self) -> Path:
        return self.directory / "manifests"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    @property
    def nodes(self) -> list[str]:
        return [node.name for node in self.lab.topology.nodes]

    @property
    def tors(self) -> list[str]:
        return [tor.name for tor in self.lab.topology.tors]

    def prepare(self) -> None:
        """Copies the examples, or writes the manifests of the lab's own network, and makes the other folders."""
        self.manifests.mkdir(parents=True)
        if self.examples is None:
            self.write("network.yaml", manifests.dump(manifests.network(self.lab.topology)))
        else:
            shutil.copytree(self.examples, self.manifests, dirs_exist_ok=True)
        self.state.mkdir()
        self.secrets.mkdir(mode=0o700)

    def start(self) -> None:
        """Starts everything; returns at once."""
        self.start_controller()
        for node in self.nodes:
            self.start_endpoint(node)
            if self.lab.topology.settings.bfd is not None:
                self.start_bfd(node)
            self.start_speaker(node)

    def start_controller(self) -> None:
        flags = [*self._source_flags("controller"), "--listen", "127.0.0.1:7472"]
        self.controller = self._herald(self.controller_machine, "controller", flags)

    def start_endpoint(self, node: str) -> None:
        self.endpoints[node] = self.lab.start_endpoint(node)

    def start_bfd(self, node: str) -> None:
        """In the speaker's runtime directory. It outlives the speaker, as its own DaemonSet does."""
        self.bfds[node] = self._herald(node, "bfd", ["--runtime-dir", str(self.runtime_of(node))])

    def start_speaker(self, node: str) -> None:
        runtime = ["--runtime-dir", str(self.runtime_of(node))]
        flags = ["--node-name", node, *self._source_flags("speaker", node), *runtime, *self.speaker_flags]
        self.speakers[node] = self._herald(node, "speaker", flags)

    def runtime_of(self, node: str) -> Path:
        return self.lab.directory_of(node) / "run"

    def _source_flags(self, word: str, node: str | None = None) -> list[str]:  # noqa: ARG002 -- the same for all programs
        """Where this program finds the objects."""
        return ["--manifests", str(self.manifests), "--state", str(self.state), "--secrets", str(self.secrets)]

    def _herald(self, machine: str, word: str, flags: Sequence[str]) -> Process:
        argv = [sys.executable, *self.program, word, *flags]
        return self.lab.start(machine, argv, name=word, env=self.env)

    def write(self, name: str, text: str) -> float:
        """Puts a manifest in place as a whole; returns the time of the rename (monotonic)."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.name}.new")
        written.write_text(text)
        at = time.monotonic()
        written.rename(path)
        return at

    def remove(self, name: str) -> None:
        """Takes away a manifest that `write` put in place."""
        (self.manifests / name).unlink()

    def write_secret(self, name: str, password: str) -> None:
        """A Secret of the namespace herald-system with this password."""
        written = self.secrets / f".{name}.new"
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            yaml.safe_dump(manifests.secret(name, password), file)
        written.rename(self.secrets / f"{name}.yaml")

    def write_service(self, name: str, *, unready: Iterable[str] = (), nodes: Iterable[str] | None = None) -> float:
        """A Service with an endpoint on each node, in files of their own. Returns the time of the second rename."""
        self.write(f"services/{name}.yaml", manifests.dump([manifests.service(name)]))
        return self.write_slice(name, unready=unready, nodes=nodes)

    def write_slice(self, name: str, *, unready: Iterable[str] = (), nodes: Iterable[str] | None = None) -> float:
        """The EndpointSlice of such a Service. Returns the time of the rename."""
        there = self.nodes if nodes is None else nodes
        return self.write(f"slices/{name}.yaml", manifests.dump([manifests.endpoint_slice(name, there, unready=unready)]))

    def set_ready(self, slice_file: str, node: str, *, ready: bool) -> float:
        """As the control plane does when a readiness probe of that node's endpoint turns. Returns the time of the rename."""
        endpoints = yaml.safe_load((self.manifests / slice_file).read_text())
        for endpoint in endpoints["endpoints"]:
            if endpoint["nodeName"] == node:
                endpoint["conditions"] = {"ready": ready, "serving": ready, "terminating": False}
        return self.write(slice_file, yaml.safe_dump(endpoints, sort_keys=False))

    def vips(self) -> dict[ObjectKey, tuple[IPAddress, ...]]:
        """What the controller assigned, by Service."""
        found: dict[ObjectKey, tuple[IPAddress, ...]] = {}
        for path in sorted(self.state.glob("*/*.json")):
            with suppress(FileNotFoundError):
                status = msgspec.json.decode(path.read_bytes(), type=_StatusFile)
                found[ObjectKey(path.parent.name, path.stem)] = tuple(ip_address(vip) for vip in status.vips)
        return {key: vips for key, vips in found.items() if vips}

    def next_hops(self, tor: str) -> dict[IPAddress, frozenset[str]]:
        """By VIP, the nodes that the ToR's kernel sends its traffic to."""
        node_of = self.node_addresses(tor)
        routes = self.lab.routers[MachineName(tor)].kernel_routes()
        return {
            route.prefix.network_address: frozenset(node_of[hop] for hop in route.next_hops if hop in node_of)
            for route in routes.values()
            if route.prefix == host_prefix(route.prefix.network_address) and not route.next_hops.isdisjoint(node_of)
        }

    def node_addresses(self, tor: str) -> dict[IPAddress, str]:
        """The nodes by their addresses on the ToR's ports."""
        nodes = set(self.nodes)
        ends = (cable.lower for cable in self.lab.topology.cables_of(tor) if cable.lower.machine in nodes)
        return {interface.ip: end.machine for end in ends for interface in end.addresses}

    async def routed(
        self, expected: Mapping[IPAddress, frozenset[str]], timeout_s: float, tors: Sequence[str] | None = None
    ) -> None:
        """Returns when these ToRs' kernels (all, by default) have exactly these VIPs and next hops. Raises LabError."""
        for tor in self.tors if tors is None else tors:
            await self._routed(tor, expected, timeout_s)

    async def _routed(self, tor: str, expected: Mapping[IPAddress, frozenset[str]], timeout_s: float) -> None:
        await until(lambda: self.next_hops(tor) == expected, timeout_s, lambda: self._differs(tor, expected))

    def _differs(self, tor: str, expected: Mapping[IPAddress, frozenset[str]]) -> str:
        found = self.next_hops(tor)
        wrong = {str(vip): sorted(found.get(vip, ())) for vip in {*found, *expected} if found.get(vip) != expected.get(vip)}
        return f"{tor} routes {len(found)} VIPs, not as expected: {wrong}"


async def until(holds: Callable[[], bool], timeout_s: float, otherwise: Callable[[], str]) -> float:
    """Returns the time (monotonic) when it was first seen to hold. Raises LabError with `otherwise` after the timeout."""
    try:
        await waiting.until(holds, timeout_s)
    except TimeoutError:
        raise LabError(otherwise()) from None
    return time.monotonic()
