"""What the lab breaks is broken in just that way, at once, and is whole again afterwards."""

import fcntl
import socket
import struct
import time
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bgp_config.names import IPAddress
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.lab import Lab
from herald.lab.namespace import inside, processes_in
from herald.lab.topology import Settings
from herald.lab.topology import rack as rack_of
from herald.lab.waiting import until
from tests.lab.announcer import announce, announce_everywhere
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40
VIP = ip_network("198.51.100.7/32")


async def test_a_cut_cable_takes_the_carrier_of_both_ends_at_once_and_only_theirs(rack: Lab) -> None:
    begin = time.monotonic()
    await rack.cut("node2", "tor1")
    await until(lambda: not carrier(rack, "node2", "tor1") and not carrier(rack, "tor1", "node2"), 1, every_s=0.005)
    assert time.monotonic() - begin < 0.2
    assert carrier(rack, "node2", "tor2")
    assert carrier(rack, "tor1", "node1")
    await rack.restore("node2", "tor1")
    await until(lambda: carrier(rack, "node2", "tor1") and carrier(rack, "tor1", "node2"), 2)


async def test_all_cables_of_a_node_are_cut_where_no_tor_is_named(rack: Lab) -> None:
    await rack.cut("node1")
    await until(lambda: not carrier(rack, "node1", "tor1") and not carrier(rack, "node1", "tor2"), 1)
    assert carrier(rack, "tor1", "node2")


async def test_a_cut_link_takes_the_next_hop_and_the_restored_one_brings_it_back(rack: Lab) -> None:
    await announce_everywhere(rack, [VIP])
    node1, others = ip_address("10.1.1.1"), frozenset({ip_address("10.1.2.1"), ip_address("10.1.3.1")})
    async with rack.follow_routes("tor1") as routes:
        await routes.first(lambda change: change.next_hops == others | {node1}, 10)
        begin = time.monotonic()
        await rack.cut("node1", "tor1")
        gone = await routes.first(lambda change: change.at > begin and change.next_hops == others, 2)
        assert gone.at - begin < 1
        await rack.restore("node1", "tor1")
        await routes.first(lambda change: change.at > gone.at and change.next_hops == others | {node1}, 15)


async def test_a_silenced_node_keeps_its_links_and_is_not_reached_by_anything(raise_lab: RaiseLab) -> None:
    lab = await raise_lab(rack_of(Settings(nodes=1, ipv6=True)))
    lab.start_endpoint("node1")
    ways = [("tor1", ip_address("10.1.1.1")), ("tor2", ip_address("fd00:2:1::1")), ("tor1", ip_address("fd00:1:1::1"))]
    for tor, address in ways:
        await until(partial(reaches, lab, tor, address), 10)
    await lab.silence("node1")
    for tor, address in ways:
        assert not reaches(lab, tor, address)
    assert carrier(lab, "node1", "tor1")
    assert carrier(lab, "tor1", "node1")
    await lab.unsilence("node1")
    for tor, address in ways:
        await until(partial(reaches, lab, tor, address), 10)


async def test_silence_towards_one_tor_leaves_the_other_alone(rack: Lab) -> None:
    rack.start_endpoint("node1")
    await until(lambda: reaches(rack, "tor1", ip_address("10.1.1.1")), 10)
    await rack.silence("node1", "tor1")
    assert not reaches(rack, "tor1", ip_address("10.1.1.1"))
    assert reaches(rack, "tor2", ip_address("10.2.1.1"))


async def test_a_killed_node_runs_nothing_and_the_others_go_on(rack: Lab) -> None:
    killed, other = rack.start_endpoint("node1"), rack.start_endpoint("node2")
    await until(lambda: reaches(rack, "tor1", ip_address("10.1.1.1")), 10)
    rack.kill_node("node1")
    assert processes_in([rack.namespace("node1")]) == []
    assert await killed.process.wait(1) == -9
    assert other.process.running


async def test_a_frozen_bgpd_drops_nothing_and_wakes_with_its_sessions(rack: Lab) -> None:
    announce(rack, "node1", "tor1", [VIP])
    tor1 = rack.routers["tor1"]
    await until(lambda: VIP in tor1.kernel_routes(), 10)
    bgpd = next(daemon for daemon in tor1.daemons if daemon.name == "bgpd")
    tor1.freeze()
    await until(lambda: state_of(bgpd.pid) == "T", 2)
    tor1.thaw()
    session = (await tor1.sessions())[ip_address("10.1.1.1")]
    assert session.established
    assert session.times_dropped == 0


async def test_a_stopped_program_stands_still_until_it_is_continued(rack: Lab) -> None:
    endpoint = rack.start_endpoint("node1")
    await until(lambda: reaches(rack, "tor1", ip_address("10.1.1.1")), 10)
    endpoint.process.stop()
    await until(lambda: state_of(endpoint.process.pid) == "T", 2)
    endpoint.process.cont()
    await until(lambda: state_of(endpoint.process.pid) == "S", 2)
    assert await endpoint.process.end() == -15


def carrier(lab: Lab, machine: str, other: str) -> bool:
    """Whether the machine's port towards the other has a link (IFF_RUNNING)."""

    def flags() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", other.encode(), 0))
            return int(struct.unpack("16sh14x", answer)[1])

    return bool(inside(lab.namespace(machine), flags) & IFF_RUNNING)


def reaches(lab: Lab, machine: str, address: IPAddress) -> bool:
    """Whether a new TCP connection from the machine to an endpoint there comes about."""

    def connect() -> bool:
        try:
            socket.create_connection((str(address), DEFAULT_PORT), timeout=0.3).close()
        except OSError:
            return False
        return True

    return inside(lab.namespace(machine), connect)


def state_of(pid: int) -> str:
    """As the kernel has it: S sleeping, T stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
