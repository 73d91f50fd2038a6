"""The engine against real FRR when things break: it comes back by itself, with everything, and soon."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from herald.lab.lab import Lab
from herald.lab.namespace import processes_in
from herald.lab.process import Process
from herald.lab.router import Router
from herald.lab.topology import MachineName, Settings, rack
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.launch import TCP_RTO_MAX_MS
from speaker.session import Closed, Ending, Established, SessionEvent
from tests.lab.node_engine import NODE, NodeEngine, on_node, until, vip

pytestmark = pytest.mark.lab

BACK_WITHIN_S = 5.0
ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(__file__).with_name("engine_program.py"))


def running(lab: Lab, word: str) -> list[int]:
    """Process ids on node1 whose command line holds the word."""
    found = []
    for pid in processes_in([lab.namespace(NODE)]):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in command:
            found.append(pid)
    return found


@pytest.mark.parametrize("program", ["launch.py", "shim.py"])
def test_a_killed_exabgp_or_helper_is_replaced_with_all_routes(tmp_path: Path, program: str) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1, 2))
        await node.in_sync(spec)
        (pid,) = [
            pid for pid in running(node.lab, program) if program != "launch.py" or len(running(node.lab, program)) == 1
        ]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: len(node.of(Closed, spec)) == 1, 2)
        node.engine.apply(spec, {vip(3): node.attributes(spec), vip(1): None})
        assert await node.in_sync(spec, times=2) < BACK_WITHIN_S
        await node.tor_has("tor1", 2, 3)
        await until(lambda: len(running(node.lab, "launch.py")) == 1 and len(running(node.lab, "shim.py")) == 1)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_a_program_that_does_nothing_in_exabgps_place_is_a_failure_that_is_told(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.write_text("import sys\nsys.exit(0)\n")

    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1))
        begun = time.monotonic()
        await until(lambda: bool(node.of(Closed, spec)))
        await asyncio.sleep(3 - (time.monotonic() - begun))
        (closed,) = node.of(Closed, spec)
        assert closed.why == "ExaBGP exited with status 0"
        assert not node.of(Established, spec)

    on_node(rack(Settings(nodes=1)), tmp_path, body, exabgp=nothing)


def test_a_restarted_tor_has_everything_again(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1, 2))
        await node.in_sync(spec)
        await node.tor("tor1").restart()
        assert await node.in_sync(spec, times=2) < BACK_WITHIN_S
        await node.tor_has("tor1", 1, 2)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_a_crashed_bgpd_is_found_soon_after_its_start(tmp_path: Path) -> None:
    """Its port is closed meanwhile: every attempt is refused."""

    async def body(node: NodeEngine) -> None:
        spec, tor = node.spec(), node.tor("tor1")
        node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(spec)
        await tor.kill_bgpd()
        await until(lambda: any("refused" in closed.why for closed in node.of(Closed, spec)))
        await asyncio.sleep(8)
        assert len(node.of(Closed, spec)) <= 3, "told on change only"
        await tor.start_bgpd()
        assert await node.in_sync(spec, times=2) < BACK_WITHIN_S

    on_node(rack(Settings(nodes=1)), tmp_path, body)


@pytest.mark.timing
def test_a_peer_that_was_silent_is_back_within_seconds_of_answering(tmp_path: Path) -> None:
    outage_s = 40

    async def body(node: NodeEngine) -> None:
        spec = node.spec()
        node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(spec)
        await node.lab.silence(NODE, "tor1")
        await asyncio.sleep(outage_s)
        assert not node.is_up(spec)
        await node.lab.unsilence(NODE, "tor1")
        assert await node.in_sync(spec, times=2) < BACK_WITHIN_S
        await node.tor_has("tor1", 1)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_a_tor_that_stands_still_stalls_only_itself(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        frozen, other = node.spec("tor1"), node.spec("tor2")
        for spec in (frozen, other):
            node.engine.open(spec, node.routes(spec, 1))
            await node.in_sync(spec)
        node.tor("tor1").freeze()
        try:
            for number in range(2, 60):
                for spec in (frozen, other):
                    node.engine.apply(spec, node.routes(spec, number))
                assert await node.programmed(other, vip(number), node.attributes(other)) < 0.2
            node.engine.close(other)
            await node.tor_has("tor2")
        finally:
            node.tor("tor1").thaw()
        await node.tor_has("tor1", *range(1, 60), within_s=15)

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_md5_right_missing_wrong_and_rotated(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        other = node.spec("tor2")
        node.engine.open(other, node.routes(other, 9))
        right = node.spec(password=b"a;b{c}#d")
        node.engine.open(right, node.routes(right, 1))
        await node.in_sync(right)
        node.engine.close(right)

        for bad in (node.spec(), node.spec(password=b"wrong")):
            node.engine.open(bad, node.routes(bad, 1))
            await until(lambda bad=bad: any("MD5" in closed.why for closed in node.of(Closed, bad)))  # type: ignore[misc]
            assert not node.of(Established, bad)
            node.engine.close(bad)

        vtysh = node.tor("tor1").vtysh
        peer = right.local_address
        await vtysh("configure terminal", "router bgp 65001", f"neighbor {peer} password rotated")
        rotated = node.spec(password=b"rotated")
        node.engine.open(rotated, node.routes(rotated, 2))
        assert await node.in_sync(rotated) < BACK_WITHIN_S
        assert not node.of(Closed, other), "other peers are untouched"

    on_node(rack(Settings(nodes=1, passwords={"node1-tor1": "a;b{c}#d"})), tmp_path, body)


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        specs = [node.spec("tor1", password=b"secret"), node.spec("tor2")]
        for spec in specs:
            node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(specs[1])
        (conf,) = (tmp_path / "exabgp").glob("10.1.1.0-*/exabgp.conf")
        assert conf.stat().st_mode & 0o777 == 0o600
        assert conf.parent.stat().st_mode & 0o777 == 0o700
        begun = time.monotonic()
        await node.engine.aclose(Ending.WITHDRAW)
        assert time.monotonic() - begun < 4
        assert await node.tor_has("tor2") < 1
        await until(lambda: not running(node.lab, "launch.py") and not running(node.lab, "shim.py"))
        assert not list((tmp_path / "exabgp").iterdir())

    on_node(rack(Settings(nodes=1)), tmp_path, body)


def test_a_graceful_restart_of_the_speaker_moves_no_route(tmp_path: Path) -> None:
    async def body(node: NodeEngine) -> None:
        spec = node.spec("tor2", graceful_restart_s=30)
        node.engine.open(spec, node.routes(spec, 1, 2))
        await node.in_sync(spec)
        tor = node.tor("tor2")
        await until(lambda: {vip(1), vip(2)} <= set(tor.kernel_routes()))
        async with node.lab.follow_routes("tor2") as changes:
            await node.engine.aclose(Ending.ABRUPT)
            events: list[SessionEvent] = []
            successor = ExaBgpEngine(directory=tmp_path / "successor", on_event=events.append)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(successor.run())
                successor.open(spec, node.routes(spec, 1))
                # What was not announced again before End-of-RIB goes; the rest has not moved.
                await until(lambda: vip(2) not in tor.kernel_routes())
                await successor.aclose(Ending.ABRUPT)
            assert {change.prefix for change in changes.events} & {vip(1), vip(2)} == {vip(2)}

    on_node(rack(Settings(nodes=1)), tmp_path, body)


async def start_owner(lab: Lab, directory: Path) -> Process:
    cable = lab.topology.cable(NODE, "tor1")
    argv = [sys.executable, PROGRAM, str(directory / "exabgp")]
    argv += [str(cable.lower.address(4)), str(cable.upper.address(4))]
    owner = lab.start(NODE, argv, name="owner", env={"PYTHONPATH": str(ROOT)})
    await until(lambda: "in sync" in owner.output())
    return owner


def tor1(lab: Lab) -> Router:
    return lab.routers[MachineName("tor1")]


async def routes_gone(lab: Lab, within_s: float) -> float:
    return await until(lambda: vip(1) not in tor1(lab).kernel_routes(), within_s)


def test_a_killed_speaker_takes_its_routes_with_it_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with Lab(rack(Settings(nodes=1, hold_time_s=90))) as lab:
            owner = await start_owner(lab, tmp_path)
            await until(lambda: vip(1) in tor1(lab).kernel_routes())
            owner.kill()
            assert await routes_gone(lab, 2) < 1.5
            await owner.wait(2)
            await until(lambda: not running(lab, "launch.py") and not running(lab, "shim.py"))
            # What is left of it does not hinder the next one.
            again = await start_owner(lab, tmp_path)
            await until(lambda: vip(1) in tor1(lab).kernel_routes())
            again.kill()
            await again.wait(2)

    asyncio.run(body())


def test_a_speaker_that_is_stuck_loses_its_routes_within_15_seconds_and_recovers(tmp_path: Path) -> None:
    async def body() -> None:
        async with Lab(rack(Settings(nodes=1, hold_time_s=90))) as lab:
            owner = await start_owner(lab, tmp_path)
            await until(lambda: vip(1) in tor1(lab).kernel_routes())
            owner.stop()
            assert await routes_gone(lab, 15) > 5
            owner.cont()
            await until(lambda: vip(1) in tor1(lab).kernel_routes())
            owner.kill()
            await owner.wait(2)

    asyncio.run(body())


def test_two_speakers_in_one_namespace_are_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with Lab(rack(Settings(nodes=1))) as lab:
            first = await start_owner(lab, tmp_path)
            second = lab.start(
                NODE,
                [sys.executable, PROGRAM, str(tmp_path / "b"), "10.1.1.1", "10.1.1.0"],
                name="second",
                env={"PYTHONPATH": str(ROOT)},
            )
            assert await second.wait(5) != 0
            assert "another speaker runs" in second.output()
            first.kill()
            await first.wait(2)

    asyncio.run(body())


@pytest.mark.timing
def test_a_change_made_during_an_outage_that_the_session_survives_arrives_soon_after_it(tmp_path: Path) -> None:
    """TCP's own pauses between repetitions would be 12.8 s by then. (Linux before 6.15 cannot shorten them.)"""
    outage_s = 14

    async def body(node: NodeEngine) -> None:
        spec = node.spec(hold_time_s=90)
        node.engine.open(spec, node.routes(spec, 1))
        await node.in_sync(spec)
        await node.lab.silence(NODE, "tor1")
        node.engine.apply(spec, {vip(1): None})
        await asyncio.sleep(outage_s)
        await node.lab.unsilence(NODE, "tor1")
        assert await node.tor_has("tor1", within_s=20) < (BACK_WITHIN_S if can_limit_retransmission() else 20)
        assert not node.of(Closed, spec)

    on_node(rack(Settings(nodes=1, hold_time_s=90)), tmp_path, body)


def can_limit_retransmission() -> bool:
    with socket.socket() as io:
        try:
            io.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, 1000)
        except OSError:
            return False
        return True
