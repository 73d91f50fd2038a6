"""`herald drain` and `herald undrain` as an operator runs them, against a lab's deployment."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from herald.kube.directory.drains import DRAINS
from herald.lab.deployment import Deployment

TIMEOUT_S = 40.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    lines: list[str]
    error: str


@dataclass(frozen=True, slots=True)
class Operator:
    """`where` are the flags that say where Drain objects are."""

    where: tuple[str, ...]

    async def drain(self, *words: str) -> Answer:
        return await self._run("drain", *words)

    async def undrain(self, node: str) -> Answer:
        return await self._run("undrain", node)

    async def _run(self, *words: str) -> Answer:
        pipe = asyncio.subprocess.PIPE
        argv = [sys.executable, "-m", "herald", *words, *self.where]
        process = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(TIMEOUT_S):
            out, error = await process.communicate()
        return Answer(process.returncode or 0, out.decode().splitlines(), error.decode().strip())


def on_folder(deployment: Deployment) -> Operator:
    return Operator(("--manifests", str(deployment.manifests), "--state", str(deployment.state)))


def said(deployment: Deployment, drain: str) -> str:
    """What the controller says of this Drain in the state folder; empty if it says nothing."""
    path: Path = deployment.state / DRAINS / f"{drain}.json"
    return path.read_text() if path.exists() else ""
