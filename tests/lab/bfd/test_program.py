"""The program as a process: what its packets look like, what it outlives, how it ends."""

import os
import signal
import socket
import struct
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from bgp_config.names import IPAddress
from herald.lab.namespace import inside
from herald.lab.recorder import Recorder
from herald.lab.topology import Bfd, Settings
from herald.lab.waiting import until
from speaker.bfd.packet import State
from tests.lab.bfd.node import FAST, BfdNode, bfd_node

pytestmark = pytest.mark.lab

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SPEAKER = 65532
CAPABILITIES = "+sys_nice,+ipc_lock,+chown,+dac_override"
"""Those of deploy/chart/herald/templates/bfd-daemonset.yaml."""


async def test_packets_have_ttl_255_cs6_and_a_source_port_of_the_range_that_stays() -> None:
    async with bfd_node(Settings(nodes=1, ipv6=True, bfd=Bfd(interval_ms=100))) as node:
        v4, v6 = node.hop(), node.hop(version=6)
        node.client.want({v4: FAST, v6: FAST})
        await node.up(v4, v6)
        seen: dict[IPAddress, set[tuple[int, int, int]]] = {}
        async with _frames(node, "tor1") as frames:
            await until(lambda: len(frames.events) > 40, 10)
        for source, ttl, traffic_class, port in frames.events:
            seen.setdefault(source, set()).add((ttl, traffic_class, port))
        for hop in (v4, v6):
            ((ttl, traffic_class, port),) = seen[hop.local]
            assert (ttl, traffic_class) == (255, 0xC0)
            assert 49152 <= port <= 65535


async def test_sessions_outlive_the_speaker_and_a_new_one_hears_how_they_are() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        since, gone = node.client.statuses[hop].since, time.monotonic()
        await node.forsake()
        await until(lambda: time.monotonic() - gone > 1, 2)
        assert (await node.peer(hop)).up
        node.listen()
        await node.hears(lambda status: status.state is State.UP)
        assert node.client.statuses[hop].since == since


async def test_a_program_that_was_killed_gets_all_wishes_again_and_the_sessions_come_back() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        node.process.kill()
        await node.process.wait(5)
        heard = len(node.heard)
        node.start()
        await node.hears(lambda status: status.state is State.UP, after=heard)
        await node.up(hop)


async def test_the_end_by_sigterm_is_told_to_the_peer_as_on_purpose() -> None:
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        node.process.terminate()
        assert await node.process.wait(5) == 0
        peer = await node.peer(hop)
        assert (peer.up, peer.remote_diagnostic) == (False, "administratively down")


async def test_a_second_program_says_that_the_port_is_taken() -> None:
    async with bfd_node() as node:
        argv = [sys.executable, "-m", "herald", "bfd", "--runtime-dir", str(node.lab.directory_of("node1") / "other")]
        second = node.lab.start("node1", argv, name="second")
        assert await second.wait(10) == 1
        assert "UDP port 3784 is taken" in second.output()


async def test_the_program_is_scheduled_first_and_its_memory_is_locked() -> None:
    async with bfd_node() as node:
        assert os.sched_getscheduler(node.process.pid) == os.SCHED_RR
        assert locked_kb(node.process.pid) > 0


async def test_where_real_time_is_refused_the_log_says_so_and_sessions_come_up() -> None:
    async with bfd_node() as node:
        node.process.terminate()
        await node.process.wait(5)
        bare = ["setpriv", "--bounding-set", "-sys_nice,-ipc_lock", "--inh-caps", "-all"]
        argv = [sys.executable, "-m", "herald", "bfd", "--runtime-dir", str(node.lab.directory_of("node1"))]
        node.process = node.lab.start("node1", [*bare, *argv], name="bare")
        node.client.want({node.hop(): FAST})
        await node.up(node.hop())
        log = node.process.output()
        assert "real-time scheduling is refused" in log
        assert "locking memory is refused" in log


async def test_with_the_charts_capabilities_it_is_punctual_and_its_socket_is_the_speakers() -> None:
    async with bfd_node() as node:
        node.process.terminate()
        await node.process.wait(5)
        directory = node.lab.directory_of("node1") / "run"
        directory.mkdir(mode=0o700)
        os.chown(directory, SPEAKER, SPEAKER)
        argv = [
            "setpriv",
            "--bounding-set",
            f"-all,{CAPABILITIES}",
            "--inh-caps",
            "-all",
            sys.executable,
            "-m",
            "herald",
            "bfd",
        ]
        node.process = node.lab.start("node1", [*argv, "--runtime-dir", str(directory)], name="contained")
        await until((directory / "bfd.sock").exists, 10)
        await until(lambda: os.sched_getscheduler(node.process.pid) == os.SCHED_RR and locked_kb(node.process.pid) > 0, 10)
        assert (directory / "bfd.sock").stat().st_uid == SPEAKER


@pytest.mark.timing
async def test_a_stop_of_the_whole_process_is_no_reason_to_call_the_peer_dead() -> None:
    """It wakes with the peer's packets waiting: those count before any timer does."""
    async with bfd_node() as node:
        hop = node.hop()
        node.client.want({hop: FAST})
        await node.up(hop)
        heard = len(node.heard)
        node.process.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        await until(lambda: time.monotonic() - stopped > 0.25, 2, every_s=0.005)
        node.process.signal(signal.SIGCONT)
        await until(lambda: time.monotonic() - stopped > 1, 2)
        assert node.heard[heard:] == []


def locked_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmLck:")[2].split()[0])


def _frames(node: BfdNode, router: str) -> Recorder[tuple[IPAddress, int, int, int]]:
    """BFD packets that come in at the router's port: source, TTL, traffic class, source port."""

    def open_socket() -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        opened.bind(("node1", ETH_P_ALL))
        return opened

    return Recorder(inside(node.lab.namespace(router), open_socket), _parse)


def _parse(source: socket.socket) -> list[tuple[IPAddress, int, int, int]]:
    frame, address = source.recvfrom(2048)
    if address[2] == PACKET_OUTGOING:
        return []
    version = frame[0] >> 4
    header = 20 if version == 4 else 40
    protocol = frame[9] if version == 4 else frame[6]
    port, destination = struct.unpack_from("!HH", frame, header)
    if protocol != socket.IPPROTO_UDP or destination != 3784:
        return []
    if version == 4:
        return [(ip_address(frame[12:16]), frame[8], frame[1], port)]
    traffic_class = struct.unpack_from("!H", frame)[0] >> 4 & 0xFF
    return [(ip_address(frame[8:24]), frame[7], traffic_class, port)]
