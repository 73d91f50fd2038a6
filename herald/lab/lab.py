"""A lab: builds a topology in network namespaces, runs programs in it, breaks it, and takes all of it away again.

Touches nothing but namespaces of its own (hl-LAB-MACHINE) and /run/herald-lab. Whatever happens in the body of
`async with Lab(...)`, nothing of it is left; after a kill -9 of this process the next lab's start clears it away.
"""

import asyncio
import itertools
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bgp_config.names import IPAddress
from herald.lab import namespace, process, record, wiring
from herald.lab.capture import CapturedUpdate, capture_updates
from herald.lab.command import LabError, require_host, run, run_ip
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.follow import RouteChange, follow_routes
from herald.lab.process import Process
from herald.lab.record import Claim, Record
from herald.lab.recorder import Recorder
from herald.lab.router import Router
from herald.lab.topology import Topology
from herald.lab.traffic import Endpoint, Load, LoadPlan
from herald.lab.waiting import until

HAS_HASH_SEED = Path("/proc/sys/net/ipv4/fib_multipath_hash_seed").exists()


class Lab:
    """One lab. `async with` builds it and takes it away. Its name is made up where it does not matter."""

    def __init__(self, topology: Topology, *, name: str | None = None) -> None:
        self.topology = topology
        self.name = name or f"t{secrets.token_hex(4)}"
        self.directory = record.directory(self.name)
        self.routers: Mapping[str, Router] = {
            plan.name: Router(plan=plan, namespace=self.namespace(plan.name), directory=self.directory / plan.name)
            for plan in topology.routers
        }
        self._processes: list[Process] = []
        self._claim: Claim | None = None
        self._loads = itertools.count(1)

    def namespace(self, machine: str) -> str:
        return wiring.namespace_of(self.name, machine)

    def directory_of(self, machine: str) -> Path:
        """Where logs and files of a machine's programs are."""
        return self.directory / machine

    async def __aenter__(self) -> Self:
        require_host()
        record.sweep()
        self._claim = Claim.take(self.name)
        if self._claim is None or record.read(self.name) is not None:
            self._release(keep_file=True)
            raise LabError(f"there is a lab named {self.name} already: take it down, or name another")
        try:
            await self._build()
        except BaseException:
            self.remove()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._claim is not None:
            self.remove()

    def remove(self) -> None:
        """Ends and removes everything. Blocks for some tenths of a second, so that no cancellation leaves half of it."""
        record.clear(self.name)
        for ended in (*self._processes, *(daemon for router in self.routers.values() for daemon in router.daemons)):
            ended.kill()  # one that had not yet entered its namespace
            ended.reap()
        self._release(keep_file=False)

    def leave_running(self) -> None:
        """The lab outlives this process, and the `async with` that built it, until it is taken down by name."""
        record.write(Record.of(self.name, self.topology, left_running=True))
        self._release(keep_file=True)

    async def fabric_up(self, timeout_s: float = 20.0) -> None:
        """Waits until every router has a route to every client, so that the ToRs' sessions with the spine are in use."""
        networks = {lan for client in self.topology.clients for lan in client.lan}

        def all_know() -> bool:
            return all(networks <= router.kernel_routes().keys() for router in self.routers.values())

        await until(all_know, timeout_s)

    def start(self, machine: str, argv: Sequence[str], *, name: str, env: Mapping[str, str] | None = None) -> Process:
        """Starts a program on a machine; its output goes to NAME.log in the machine's directory."""
        log = self.directory_of(machine) / f"{name}.log"
        started = process.start(self.namespace(machine), argv, name=name, log=log, env=env)
        self._processes.append(started)
        return started

    def start_endpoint(self, node: str, *, port: int = DEFAULT_PORT) -> Endpoint:
        """An HTTP server that names its node, on all addresses."""
        return Endpoint(self.start(node, Endpoint.argv(node, port), name=f"endpoint-{port}"))

    def start_load(self, vips: Sequence[IPAddress], plan: LoadPlan | None = None, *, client: str = "client") -> Load:
        """Requests to these VIPs, from all addresses that the client has."""
        sources = [
            interface.ip for machine in self.topology.clients if machine.name == client for interface in machine.addresses
        ]
        name = f"load-{next(self._loads)}"
        output = self.directory_of(client) / f"{name}.json"
        return Load(self.start(client, Load.argv(plan or LoadPlan(), vips, sources, output), name=name), output)

    def follow_routes(self, machine: str) -> Recorder[RouteChange]:
        """Every change of the machine's kernel routes from now on. Use it with `async with`."""
        return follow_routes(self.namespace(machine))

    def capture_updates(self, machine: str, other: str) -> Recorder[CapturedUpdate]:
        """Every UPDATE between the two, at the first one's end of their cable, from now on. Use it with `async with`."""
        device = wiring.inner_end(self.topology.cable(machine, other), machine)
        return capture_updates(self.namespace(wiring.WIRE), device)

    def kill_node(self, node: str) -> None:
        """SIGKILL to every process on it, at once; its links stay up."""
        namespace.kill_all_in([self.namespace(node)])

    async def cut(self, node: str, tor: str | None = None) -> None:
        """Pulls the cable between the two machines, or all cables of the first: both ends lose their carrier."""
        await self._set_cables(node, tor, "down")

    async def restore(self, node: str, tor: str | None = None) -> None:
        """Plugs in again what `cut` pulled."""
        await self._set_cables(node, tor, "up")

    async def silence(self, node: str, tor: str | None = None) -> None:
        """Drops every frame between the two machines, or all frames of the first, in both directions. Links stay up."""
        await self._set_silence("add", node, tor)

    async def unsilence(self, node: str, tor: str | None = None) -> None:
        """Ends what `silence` began."""
        await self._set_silence("delete", node, tor)

    async def _build(self) -> None:
        topology, wire = self.topology, self.namespace(wiring.WIRE)
        for path in (self.directory, *(self.directory_of(machine) for machine in topology.machines)):
            path.mkdir()
        record.write(Record.of(self.name, topology, left_running=False))
        await run_ip(f"netns add {name}" for name in wiring.namespaces(topology, self.name))
        namespace.set_sysctls(wire, wiring.WIRE_SYSCTLS)
        for machine in topology.machines:
            namespace.set_sysctls(self.namespace(machine), wiring.sysctls(topology, machine, hash_seed=HAS_HASH_SEED))
        await run_ip(wiring.link_commands(topology, self.name))
        await run_ip(wiring.wire_commands(topology), "-n", wire)
        await self._nft(wiring.wire_ruleset(topology))
        for machine in topology.machines:
            await run_ip(wiring.machine_commands(topology, machine), "-n", self.namespace(machine))
        for router in self.routers.values():
            router.configure(topology)
        await self._start_routers()

    async def _start_routers(self) -> None:
        """All at once. The first LabError, if there is any."""
        try:
            async with asyncio.TaskGroup() as starting:
                for router in self.routers.values():
                    starting.create_task(router.start())
        except* LabError as failed:
            first = failed
        else:
            return
        raise first.exceptions[0]

    async def _set_cables(self, node: str, tor: str | None, state: str) -> None:
        commands = [f"link set {inner} {state}" for inner in self._inner_ends(node, tor)]
        await run_ip(commands, "-n", self.namespace(wiring.WIRE))

    async def _set_silence(self, verb: str, node: str, tor: str | None) -> None:
        devices = ", ".join(f'"{inner}"' for inner in self._inner_ends(node, tor))
        await self._nft(f"{verb} element netdev wire silenced {{ {devices} }}\n")

    def _inner_ends(self, node: str, tor: str | None) -> list[str]:
        cables = self.topology.cables_of(node) if tor is None else (self.topology.cable(node, tor),)
        return [inner for cable in cables for inner in wiring.inner_ends(cable)]

    async def _nft(self, rules: str) -> None:
        net = f"--net={namespace.NAMESPACES / self.namespace(wiring.WIRE)}"
        await run("nsenter", net, "--", "nft", "-f", "-", stdin=rules)

    def _release(self, *, keep_file: bool) -> None:
        if self._claim is not None:
            self._claim.release(keep_file=keep_file)
            self._claim = None
