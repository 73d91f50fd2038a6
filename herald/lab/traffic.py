"""The two ends of the lab's traffic, as their starter sees them: an endpoint on a node, a load on a client."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bgp_config.names import IPAddress
from herald.lab.command import LabError
from herald.lab.endpoint import DEFAULT_PORT, Health
from herald.lab.load_report import LoadReport
from herald.lab.process import Process

LOAD_END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """`rate`: new connections per second over all VIPs. `held`: connections kept open, each asked five times a second."""

    rate: float = 50.0
    held: int = 0
    timeout_s: float = 1.0
    port: int = DEFAULT_PORT


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running HTTP server that names its node. What it is told holds within milliseconds."""

    process: Process

    @staticmethod
    def argv(node: str, port: int) -> list[str]:
        return [sys.executable, "-m", "herald.lab.endpoint", node, str(port)]

    def fail(self) -> None:
        """Answers 503 from now on."""
        self.process.signal(Health.FAILING.value)

    def refuse(self) -> None:
        """Listens no more."""
        self.process.signal(Health.REFUSING.value)

    def heal(self) -> None:
        self.process.signal(Health.WELL.value)


@dataclass(frozen=True, slots=True)
class Load:
    """A running client load; `report` at any time, `finish` at the end."""

    process: Process
    _output: Path

    @staticmethod
    def argv(plan: LoadPlan, vips: Sequence[IPAddress], sources: Sequence[IPAddress], output: Path) -> list[str]:
        options = [f"--rate={plan.rate}", f"--held={plan.held}", f"--timeout={plan.timeout_s}", f"--port={plan.port}"]
        targets = [*(f"--vip={vip}" for vip in vips), *(f"--source={source}" for source in sources)]
        return [sys.executable, "-m", "herald.lab.load", f"--output={output}", *options, *targets]

    def report(self) -> LoadReport:
        """What has ended so far. Empty until the load has started."""
        if not self._output.exists():
            return LoadReport(())
        written, _, _ = self._output.read_bytes().rpartition(b"\n")
        return LoadReport.parse(written.splitlines())

    async def finish(self) -> LoadReport:
        """Begins no more requests, waits for those under way. LabError if the load had broken down."""
        self.process.terminate()
        if await self.process.wait(LOAD_END_TIMEOUT_S) != 0:
            raise LabError(f"the load broke down: {self.process.output()}")
        return self.report()
