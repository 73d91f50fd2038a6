"""--guard-pools: what is for a VIP's port without a Service crosses the ToR's link once, and Services answer as ever."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest

from herald.lab.command import run
from herald.lab.kube.deployment import KubeDeployment
from herald.lab.waiting import until
from tests.lab.kube.speakers import speakers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

WEB = "198.51.100.1"
UNUSED_PORT = 81
COUNTER = f"""
table inet seen {{
  chain seen {{
    type filter hook prerouting priority -400;
    ip daddr {WEB} tcp dport {UNUSED_PORT} tcp flags syn counter
  }}
}}
"""


async def in_machine(deployment: KubeDeployment, machine: str, *argv: str, stdin: str = "") -> str:
    return await run("nsenter", f"--net=/run/netns/{deployment.lab.namespace(machine)}", "--", *argv, stdin=stdin)


async def seen(deployment: KubeDeployment, machines: Iterable[str]) -> int:
    """How many SYNs for the unused port have come in, at all of these together."""
    rules = [await in_machine(deployment, machine, "nft", "list", "table", "inet", "seen") for machine in machines]
    return sum(int(text.split("packets ")[1].split()[0]) for text in rules)


async def send_one_syn(deployment: KubeDeployment) -> None:
    """Gives up before the kernel would send the second."""
    code = f"import socket; s = socket.socket(); s.settimeout(0.5); print(s.connect_ex(('{WEB}', {UNUSED_PORT})))"
    assert await in_machine(deployment, "client", "python3", "-c", code) != "0"


async def test_a_syn_to_an_unused_port_crosses_the_link_once_and_loops_without_the_guard() -> None:
    async with speakers({"web": WEB}, flags=("--guard-pools",)) as deployment:
        for node in deployment.nodes:
            await in_machine(deployment, node, "nft", "-f", "-", stdin=COUNTER)
        await send_one_syn(deployment)
        assert await seen(deployment, deployment.nodes) == 1
        load = deployment.lab.start_load([ip_address(WEB)])
        await until(lambda: load.report().requests > 50, 10)
        assert (await load.finish()).failures == ()
        for node in deployment.nodes:
            await in_machine(deployment, node, "ip", "rule", "del", "priority", "7272")
        await send_one_syn(deployment)
        assert await seen(deployment, deployment.nodes) > 10, "without the guard nothing loops: this test proves nothing"
