"""A ToR that sends its nodes everything it knows: sessions live on, and what we say is on the wire as soon as ever."""

import asyncio
import contextlib
import json
import os
import sys
from ipaddress import ip_network
from pathlib import Path
from statistics import quantiles

import pytest

from herald.lab import wiring
from herald.lab.capture import CapturedUpdate, capture_updates
from herald.lab.router import Router
from herald.lab.topology import Settings, rack
from speaker.session import Closed
from tests.lab import flood
from tests.lab.node_engine import NODE, NodeEngine, on_node, until, vip

pytestmark = [pytest.mark.lab, pytest.mark.timing, pytest.mark.timeout(120)]

PREFIXES, RATE = 100_000, 200
WITHDRAWALS, PAUSE_S, WITHDRAWAL_P99_MS = 200, 0.05, 200
CPU_S = 1.0
"""What all this may cost an ExaBGP. It is 0.4 s, and 1.7 s if it decodes what nobody asked for."""


async def relay_everything(router: Router) -> None:
    """It takes any route from a node and tells it to all others."""
    await router.vtysh(
        "configure terminal",
        f"router bgp {router.plan.asn}",
        "address-family ipv4 unicast",
        "no neighbor NODES maximum-prefix",
        "no neighbor NODES prefix-list VIPS-V4 in",
        "neighbor NODES route-map ANNOUNCE out",
    )


def exabgp_cpu_s(directory: Path) -> float:
    """What the ExaBGP whose files are in this directory has used so far."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            command = (process / "cmdline").read_text()
            if "launch.py" in command and str(directory) in command:
                user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
                return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    raise AssertionError("there is no ExaBGP")


async def sent_by_tor(node: NodeEngine) -> tuple[int, int]:
    """How many UPDATEs tor1 has sent to this node, and how many prefixes it has told it of."""
    address = str(node.spec().local_address)
    neighbors = json.loads(await node.tor("tor1").vtysh(f"show bgp neighbors {address} json"))
    neighbor = neighbors[address]
    return neighbor["messageStats"]["updatesSent"], neighbor["addressFamilyInfo"]["ipv4Unicast"]["sentPrefixCounter"]


def test_a_full_table_and_200_updates_a_second_cost_no_session_and_delay_no_withdrawal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def body(node: NodeEngine) -> None:
        lab, spec = node.lab, node.spec(hold_time_s=9)
        await relay_everything(node.tor("tor1"))
        numbers = range(1, 251)
        node.engine.open(spec, node.routes(spec, *numbers))
        await node.in_sync(spec)
        other = lab.topology.cable("node2", "tor1")
        argv = [other.lower.address(4), other.upper.address(4), spec.local_asn, PREFIXES, RATE]
        flooding = lab.start("node2", [sys.executable, flood.__file__, *map(str, argv)], name="flood")
        await until(lambda: "loaded" in flooding.output(), 60)
        before, _ = await sent_by_tor(node)
        device = wiring.inner_end(lab.topology.cable(NODE, "tor1"), NODE)
        latencies = []
        async with capture_updates(lab.namespace(wiring.WIRE), device) as capture:
            for number in range(WITHDRAWALS):
                prefix, asked = vip(number + 1), asyncio.get_running_loop().time()
                node.engine.apply(spec, {prefix: None})

                def withdraws(event: CapturedUpdate, prefix: object = prefix) -> bool:
                    return event.sender == spec.local_address and prefix in event.update.withdrawn

                latencies.append((await capture.first(withdraws, 10)).at - asked)
                await asyncio.sleep(PAUSE_S)
        used_s = exabgp_cpu_s(tmp_path)
        updates, prefixes = await sent_by_tor(node)
        assert flooding.running
        assert not [event for event in node.events if isinstance(event, Closed)]
        cuts = quantiles(latencies, n=100)
        p50, p99 = cuts[49] * 1000, cuts[98] * 1000
        with capsys.disabled():
            said = f"{prefixes} prefixes, then {updates - before} UPDATEs cost {used_s} s of CPU"
            print(f"\nflood: {said}; withdrawal p50 {p50:.1f}, p99 {p99:.1f} ms")  # noqa: T201
        assert prefixes >= PREFIXES
        assert updates - before > WITHDRAWALS * PAUSE_S * RATE / 2
        assert p99 < WITHDRAWAL_P99_MS
        assert used_s < CPU_S

    settings = Settings(nodes=2, pools=(ip_network("198.51.100.0/24"),))
    on_node(rack(settings), tmp_path, body)
