"""A reader who follows docs/install/kubernetes.md has a VIP that answers: its files and commands, on the lab's API server.

The commands are run as they are written, with the real kubectl and Helm. Not run is what needs a registry: the image is
built by the test of docker-compose.yml.
"""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from herald.lab.command import LabError, run
from herald.lab.kube import programs
from herald.lab.kube.cluster import Cluster
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.lab import Lab
from herald.lab.namespace import NAMESPACES
from herald.lab.topology import Settings, rack
from tests.docs.blocks import Block, blocks
from tests.lab.kube.kubelets import Kubelets

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).parents[3]
PAGE = CHECKOUT / "docs" / "install" / "kubernetes.md"
PASSWORDS = {"tor1": "correct-horse", "tor2": "battery-staple"}
VIP = ip_address("198.51.100.10")
SETTLES_S = 30.0
"""What is shown and what is answered need not be there at once."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command and the output that the page shows; none is shown for most."""

    command: str
    shown: str


def steps(block: Block) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown.strip())


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with a checkout, kubectl, Helm and a shell on a client."""

    lab: Lab
    cluster: Cluster
    desk: Path

    async def follow(self, block: Block) -> None:
        if block.title:
            (self.desk / block.title).write_text(block.text)
        for step in steps(block) if block.language == "console" else ():
            if not step.command.startswith("docker "):
                await self._do(step)

    async def _do(self, step: Step) -> None:
        """What is said at once must be right at once; what is shown, or asked over the network, within SETTLES_S."""
        deadline = time.monotonic() + (SETTLES_S if step.shown or step.command.startswith("curl ") else 0)
        while True:
            try:
                said = await self._run(step.command)
                assert not step.shown or said.split() == step.shown.split(), f"{step.command} said {said}"
            except (LabError, AssertionError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _run(self, command: str) -> str:
        machine = "client" if command.startswith("curl ") else "control"
        path = ":".join({str(programs.kubectl().parent), str(programs.helm().parent), os.environ["PATH"]})
        env = {"KUBECONFIG": str(self.desk / "kubeconfig"), "PATH": path, "HOME": str(self.desk)}
        return await run(
            *("nsenter", f"--net={NAMESPACES / self.lab.namespace(machine)}", "--", "env"),
            *(f"{name}={value}" for name, value in env.items()),
            *("bash", "-euc", f"cd {self.desk}; {command}"),
        )


async def test_a_reader_who_follows_the_page_has_a_vip_that_answers_from_all_nodes(tmp_path: Path) -> None:
    passwords = {f"node{node}-{tor}": password for node in (1, 2, 3) for tor, password in PASSWORDS.items()}
    async with Lab(rack(Settings(control=True, passwords=passwords))) as lab:
        cluster = Cluster(lab=lab)
        await cluster.start()
        cluster.api.admin.write_kubeconfig(tmp_path / "kubeconfig")
        (tmp_path / "deploy").symlink_to(CHECKOUT / "deploy")
        for node in lab.topology.nodes:
            lab.start_endpoint(node.name)
        kubelets = Kubelets(lab=lab, cluster=cluster)
        working = asyncio.create_task(kubelets.run())
        reader, routers = Reader(lab, cluster, tmp_path), KubeDeployment(lab=lab, examples=None, cluster=cluster)
        before, _, after = PAGE.read_text().partition("## Upgrade")
        try:
            for block in blocks(before):
                await reader.follow(block)
            await routers.routed({VIP: frozenset(routers.nodes)}, SETTLES_S)
            for block in blocks(after):
                await reader.follow(block)
        finally:
            working.cancel()
        for pod, process in kubelets.pods.items():
            assert "Traceback" not in process.output(), f"{pod}: {process.output()}"
