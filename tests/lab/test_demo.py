"""The demo as a user runs it: ends with 0 only when all was seen, and cleans up whatever ends it."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import pytest

from herald.lab import record
from herald.lab.lab import Lab
from herald.lab.namespace import of_lab
from herald.lab.topology import Settings, rack

pytestmark = [pytest.mark.lab, pytest.mark.timeout(260)]

PLANNED = ["speakers-restarted", "node-drained", "node-undrained"]
EVENTS = [
    *PLANNED,
    *("endpoint-unhealthy", "endpoint-healthy", "links-cut", "links-restored", "node-silenced", "node-back"),
]


@asynccontextmanager
async def demo(name: str, *flags: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running demo, its stdout and stderr in one pipe; killed at the end if need be."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "herald", "demo", "--name", name, *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **env},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_with(process: asyncio.subprocess.Process, text: str) -> None:
    """Reads until a line contains this."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while text not in (line := (await process.stdout.readline()).decode()):
            assert line, f"the demo ended without saying {text!r}"


def lab_name() -> str:
    return f"d{token_hex(3)}"


def left_of(name: str) -> list[str]:
    return [*of_lab(name), *(["directory"] if record.directory(name).exists() else [])]


@pytest.mark.timing
@pytest.mark.parametrize("flags", [[], ["--kube"]], ids=["folder", "kube"])
async def test_the_demo_ends_with_0_after_all_it_claims_and_writes_its_figures(flags: list[str], tmp_path: Path) -> None:
    name, figures = lab_name(), tmp_path / "figures.json"
    begun = time.monotonic()
    async with demo(name, "--json", str(figures), *flags) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert time.monotonic() - begun < 240
    assert left_of(name) == []
    measured = json.loads(figures.read_text())
    assert len(measured["vips"]) == 4
    assert measured["next_hops"] == {tor: dict.fromkeys(measured["vips"], 3) for tor in ("tor1", "tor2")}
    assert [event["name"] for event in measured["events"]] == EVENTS
    by_name = {event["name"]: event for event in measured["events"]}
    assert by_name["endpoint-unhealthy"]["route_change_s"] < 0.2
    # kube-proxy drops for its node as soon as it hears, which is some milliseconds before the routers have changed.
    assert by_name["endpoint-unhealthy"]["failed"] <= (2 if flags else 0)
    assert by_name["links-cut"]["route_change_s"] < 1
    assert by_name["node-silenced"]["failed"] > 0, "until a silent node is found requests must have failed"
    assert by_name["node-silenced"]["route_change_s"] < 0.5
    assert by_name["node-silenced"]["outage_s"] < 0.5
    assert by_name["node-drained"]["route_change_s"] < 1
    assert {name: by_name[name]["failed"] for name in PLANNED} == dict.fromkeys(PLANNED, 0)
    assert {name for name, event in by_name.items() if event["route_change_s"] is None} == {"speakers-restarted"}
    assert all(event["requests"] > 0 for event in measured["events"])
    story = said[said.index("herald status svc ingress/web") :]
    assert "198.51.100.1/32" in story
    assert "198.51.100.1 not announced  noLocalEndpoint" in story


async def test_with_an_exabgp_that_does_nothing_the_demo_fails(tmp_path: Path) -> None:
    nothing = tmp_path / "exabgp"
    nothing.write_text("import time\ntime.sleep(1000)\n")
    name = lab_name()
    async with demo(name, HERALD_EXABGP=str(nothing)) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 1, said
    assert "not as expected" in said
    assert left_of(name) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_an_interrupted_demo_cleans_up(number: signal.Signals) -> None:
    name = lab_name()
    async with demo(name) as process:
        await line_with(process, "started a controller")
        assert left_of(name) != []
        process.send_signal(number)
        async with asyncio.timeout(20):
            assert await process.wait() == 130
    assert left_of(name) == []


async def test_what_a_killed_demo_left_is_cleaned_up_by_the_next_start() -> None:
    name = lab_name()
    async with demo(name) as process:
        await line_with(process, "started a controller")
        process.kill()
        await process.wait()
        assert left_of(name) != []
        async with Lab(rack(Settings(nodes=1))):
            assert left_of(name) == []
