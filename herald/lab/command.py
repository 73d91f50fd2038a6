"""Runs short commands (ip, nft, vtysh) and says in one sentence what is missing or went wrong."""

import asyncio
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

COMMAND_TIMEOUT_S = 20.0
FRR_DIRECTORY = Path("/usr/lib/frr")


class LabError(Exception):
    """Why the lab cannot do this, in one sentence for people, with the remedy where there is one."""


def require_host() -> None:
    """LabError unless this process may build a lab and finds the programs that it is built with."""
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and needs root: run it with sudo")
    for program, package in (("ip", "iproute2"), ("nft", "nftables"), ("nsenter", "util-linux"), ("vtysh", "frr")):
        if shutil.which(program) is None:
            raise LabError(f"the program {program} is missing: apt-get install {package}")
    if not (FRR_DIRECTORY / "bgpd").exists():
        raise LabError(f"FRR's bgpd is not in {FRR_DIRECTORY}: apt-get install frr")


async def run(*argv: str, stdin: str = "") -> str:
    """What the command printed. LabError if it fails or takes longer than COMMAND_TIMEOUT_S."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            stdout, stderr = await process.communicate(stdin.encode())
    except TimeoutError:
        raise LabError(f"{_shown(argv)} gave no answer within {COMMAND_TIMEOUT_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LabError(f"{_shown(argv)} failed: {(stderr or stdout).decode().strip()}")
    return stdout.decode()


async def run_ip(lines: Iterable[str], *options: str) -> None:
    """All these lines in one `ip -batch`, which stops at the first that fails."""
    await run("ip", *options, "-batch", "-", stdin="".join(f"{line}\n" for line in lines))


def _shown(argv: Sequence[str]) -> str:
    return " ".join(argv)
