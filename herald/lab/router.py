"""One FRR router of the lab: zebra, bgpd and, where asked for, bfdd in its namespace; what they and the kernel there know.

All files and sockets are in the router's own directory; nothing of the machine's FRR is read or written. bgpd starts
only when zebra listens, since it would try again no sooner than ten seconds later.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bgp_config.names import Family, IPAddress, Prefix
from herald.lab import frr, process, topology
from herald.lab.command import FRR_DIRECTORY, LabError, run
from herald.lab.follow import read_routes
from herald.lab.process import Process
from herald.lab.rib import BfdSession, BgpPath, BgpSession, parse_bfd_sessions, parse_paths, parse_sessions
from herald.lab.routes import KernelRoute

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
FILE_DESCRIPTORS = 4096
BGP_PORT = 179
REAL_TIME = 40
STOP_ORDER = ("bgpd", "bfdd", "zebra")


@dataclass(slots=True, kw_only=True)
class Router:
    """Its namespace exists already. `configure`, then `start`."""

    plan: topology.Router
    namespace: str
    directory: Path
    _daemons: dict[str, Process] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def daemons(self) -> Iterable[Process]:
        return self._daemons.values()

    def configure(self, network: topology.Topology) -> None:
        """Writes the configuration that the next start reads."""
        self.directory.mkdir(exist_ok=True)
        (self.directory / "zebra.conf").write_text(frr.zebra_config(self.plan, network))
        (self.directory / "bgpd.conf").write_text(frr.bgpd_config(self.plan, network))
        bfdd_config = frr.bfdd_config(self.plan, network)
        if bfdd_config is not None:
            (self.directory / "bfdd.conf").write_text(bfdd_config)
        for path in (self.directory, *self.directory.iterdir()):
            shutil.chown(path, "frr", "frr")

    async def start(self) -> None:
        """Returns when all daemons answer."""
        await self._start_daemon("zebra", self.directory / "zserv.api")
        if (self.directory / "bfdd.conf").exists():
            await self.start_bfdd()
        await self.start_bgpd()
        if "bfdd" in self._daemons:
            self.prefer()

    async def stop(self) -> None:
        """As an operator stops it: bgpd closes its sessions, bfdd too, zebra takes its routes back."""
        for name in [name for name in STOP_ORDER if name in self._daemons]:
            daemon = self._daemons.pop(name)
            daemon.cont()
            await daemon.end(STOP_TIMEOUT_S)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def freeze(self) -> None:
        """The daemon bgpd stands still: its sessions are open and silent. The kernel goes on forwarding."""
        self._daemons["bgpd"].stop()

    def thaw(self) -> None:
        self._daemons["bgpd"].cont()

    async def kill_bgpd(self) -> None:
        """As a crash: no NOTIFICATION. `start_bgpd` brings it back."""
        self._daemons["bgpd"].kill()
        await self._daemons.pop("bgpd").wait(STOP_TIMEOUT_S)

    async def start_bgpd(self, *, port: int = BGP_PORT) -> None:
        """It listens on this port."""
        await self._start_daemon("bgpd", self.directory / "bgpd.vty", "-p", str(port))

    async def kill_bfdd(self) -> None:
        """As a crash: it says nothing more. `start_bfdd` brings it back."""
        self._daemons["bfdd"].kill()
        await self._daemons.pop("bfdd").wait(STOP_TIMEOUT_S)

    async def start_bfdd(self) -> None:
        await self._start_daemon("bfdd", self.directory / "bfdd.vty", "--bfdctl", str(self.directory / "bfdd.sock"))

    def prefer(self) -> None:
        """Its daemons come before all that is not real-time, as on a router that has its processors to itself. One that runs
        BFD is so from its start.

        All of their threads: zebra's main thread spins while it waits for the one that writes to the kernel.
        """
        for daemon in self.daemons:
            for thread in process.threads(daemon.pid):
                os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REAL_TIME))

    async def bfd_sessions(self) -> Mapping[IPAddress, BfdSession]:
        """By peer address, as bfdd has them."""
        sessions = parse_bfd_sessions(await self.vtysh("show bfd peers json"))
        return {session.peer: session for session in sessions}

    async def vtysh(self, *commands: str) -> str:
        """What FRR's shell prints for these commands."""
        words = [word for command in commands for word in ("-c", command)]
        return await run("vtysh", "--vty_socket", str(self.directory), *words)

    async def sessions(self, family: Family = Family.IPV4) -> Mapping[IPAddress, BgpSession]:
        """By peer address. A peer that is configured for the family is here whatever its state."""
        sessions = parse_sessions(await self.vtysh(f"show bgp ipv{family.value} unicast summary json"), family)
        return {session.peer: session for session in sessions}

    async def paths(self, prefix: Prefix) -> tuple[BgpPath, ...]:
        """All learned paths of one prefix; none if it is not in the table."""
        return parse_paths(await self.vtysh(f"show bgp ipv{prefix.version} unicast {prefix} json"))

    async def rib(self, family: Family = Family.IPV4) -> tuple[BgpPath, ...]:
        """All learned paths of the family."""
        return parse_paths(await self.vtysh(f"show bgp ipv{family.value} unicast json detail"))

    def kernel_routes(self) -> Mapping[Prefix, KernelRoute]:
        return read_routes(self.namespace)

    async def _start_daemon(self, name: str, listens_at: Path, *options: str) -> None:
        started = self._daemons[name] = self._launch(name, listens_at, *options)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not listens_at.exists():  # noqa: ASYNC240 -- a look into /run never blocks
            if not started.running or time.monotonic() > deadline:
                raise LabError(f"{name} of {self.name} does not start: {started.output().strip() or 'it says nothing'}")
            await asyncio.sleep(0.01)

    def _launch(self, name: str, listens_at: Path, *options: str) -> Process:
        # A socket left by a killed daemon must not be taken for that of the new one.
        listens_at.unlink(missing_ok=True)
        argv = [str(FRR_DIRECTORY / name), *options, "-f", str(self.directory / f"{name}.conf")]
        argv += ["-i", str(self.directory / f"{name}.pid"), "-z", str(self.directory / "zserv.api")]
        argv += ["--vty_socket", str(self.directory), "-P", "0", "--limit-fds", str(FILE_DESCRIPTORS)]
        argv += ["--log", f"file:{self.directory / name}.log", "--log-level", "informational", "-u", "frr", "-g", "frr"]
        return process.start(self.namespace, argv, name=name, log=self.directory / f"{name}.out")
