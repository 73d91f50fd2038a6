"""A lab is all of its own and leaves nothing behind, however it ends; nothing outside of it changes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from herald.lab import namespace, record
from herald.lab.command import LabError
from herald.lab.lab import Lab
from herald.lab.topology import Settings, rack, two_racks
from herald.lab.waiting import until
from tests.lab.announcer import announce
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

VIP = ip_network("198.51.100.7/32")
ONE_NODE = rack(Settings(nodes=1))
OWNER = """
    import asyncio
    from herald.lab.lab import Lab
    from herald.lab.topology import Settings, rack

    async def own() -> None:
        async with Lab(rack(Settings(nodes=1))) as lab:
            lab.start_endpoint("node1")
            print(lab.name, flush=True)
            await asyncio.sleep(600)

    asyncio.run(own())
"""


async def test_two_labs_with_the_same_addresses_stand_side_by_side(raise_lab: RaiseLab) -> None:
    one, other = await raise_lab(rack()), await raise_lab(two_racks())
    announce(one, "node1", "tor1", [VIP])
    await until(lambda: VIP in one.routers["spine"].kernel_routes(), 10)
    assert VIP not in other.routers["spine"].kernel_routes()
    other.remove()
    session = (await one.routers["tor1"].sessions())[ip_address("10.1.1.1")]
    assert session.established


async def test_nothing_is_left_of_a_lab_whose_body_fails_and_nothing_else_has_changed() -> None:
    before = outside()
    lab = Lab(rack())

    async def fail_in_the_middle() -> None:
        async with lab:
            lab.start_endpoint("node1")
            lab.start("node2", ["sh", "-c", "setsid sleep 600 & trap '' TERM; sleep 600"], name="stubborn")
            await until(lambda: len(namespace.processes_in([lab.namespace("node2")])) == 3, 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_in_the_middle()
    assert left_of(lab.name) == []
    assert outside() == before


async def test_nothing_is_left_of_a_lab_that_cannot_be_built() -> None:
    lab = Lab(ONE_NODE)
    blocked = namespace.NAMESPACES / lab.namespace("tor2")
    blocked.touch()
    with pytest.raises(LabError, match="ip"):
        await lab.__aenter__()
    blocked.unlink(missing_ok=True)
    assert left_of(lab.name) == []


def test_a_lab_whose_owner_was_killed_is_swept_away() -> None:
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(OWNER)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    name = owner.stdout.readline().strip()
    with owner:
        assert name not in record.sweep()
        assert len(left_of(name)) > 0
        owner.kill()
        assert owner.wait(10) == -signal.SIGKILL
    assert len(namespace.processes_in(namespace.of_lab(name))) > 0
    assert name in record.sweep()
    assert left_of(name) == []


def test_a_directory_without_a_readable_record_is_swept_and_what_is_no_labs_stays() -> None:
    foreign, unreadable = record.LABS / "not-a-lab.txt", record.directory("unreadable")
    unreadable.mkdir(parents=True)
    foreign.touch()
    (unreadable / "lab.json").write_text('{"name": 1}')
    try:
        assert "unreadable" in record.sweep()
        assert not unreadable.exists()
        assert foreign.exists()
    finally:
        foreign.unlink()


async def test_a_name_in_use_is_refused_and_that_lab_stays(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(ONE_NODE)
    with pytest.raises(LabError, match="already"):
        await Lab(ONE_NODE, name=lab.name).__aenter__()
    assert lab.routers["tor1"].kernel_routes()


@pytest.mark.parametrize("name", ["", "a-b", "../x", "thirteen-long", "späne"])
def test_a_name_that_could_be_taken_for_another_labs_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="name"):
        record.Claim.take(name)


def test_the_command_leaves_a_lab_running_shows_it_and_takes_it_down() -> None:
    name = f"c{os.getpid()}"
    try:
        assert herald_lab("up", "--name", name, "--nodes", "1", "--ipv6").returncode == 0
        assert record.sweep() == []
        again = herald_lab("up", "--name", name)
        assert (again.returncode, "already" in again.stderr) == (1, True)

        status = next(lab for lab in json.loads(herald_lab("status", "--json").stdout) if lab["name"] == name)
        assert (status["topology"], status["owner_pid"], len(status["processes"]["tor1"])) == ("rack", None, 2)
        established = {(s["router"], s["peer"]) for s in status["sessions"] if s["state"] == "Established"}
        assert {("spine", "10.0.1.1"), ("spine", "fd00:0:1::1"), ("tor2", "10.0.2.0")} <= established
        assert f"lab {name} (rack), left running" in herald_lab("status").stdout

        assert "10.0.255.1/32" in herald_lab("shell", "--name", name, "node1", "ip", "-br", "address").stdout
        assert herald_lab("shell", "--name", name, "node1", "false").returncode == 1
        assert "node7" in herald_lab("shell", "--name", name, "node7", "true").stderr
    finally:
        assert herald_lab("down", "--name", name).returncode == 0
    assert left_of(name) == []
    assert f"there is no lab {name}" in herald_lab("down", "--name", name).stdout


async def test_the_command_takes_no_lab_from_a_running_program(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(ONE_NODE)
    refused = herald_lab("down", "--name", lab.name)
    assert (refused.returncode, "belongs to a running program" in refused.stderr) == (1, True)
    assert lab.routers["tor1"].kernel_routes()


def herald_lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`herald lab` as from a terminal."""
    argv = [sys.executable, "-m", "herald", "lab", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)


def left_of(name: str) -> list[str]:
    """All that there is of a lab: namespaces, processes, files."""
    namespaces = namespace.of_lab(name)
    processes = [str(pid) for pid in namespace.processes_in(namespaces)]
    return [*namespaces, *processes, *(str(path) for path in record.LABS.glob(f"{name}*"))]


def outside() -> dict[str, str]:
    """The machine's own network and FRR, as they are now."""
    show = {
        what: subprocess.run(["ip", "-o", what], capture_output=True, text=True, check=True) for what in ("address", "route")
    }
    frr = [f"{path} {path.stat().st_mtime}" for path in sorted(Path("/etc/frr").glob("*"))]
    sysctl = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    return {**{what: shown.stdout for what, shown in show.items()}, "frr": "\n".join(frr), "ip_forward": sysctl}
