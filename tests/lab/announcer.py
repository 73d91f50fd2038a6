"""A node that announces fixed prefixes by a bare ExaBGP, for tests of the lab itself."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bgp_config.names import Prefix
from herald.lab.command import run
from herald.lab.lab import Lab
from herald.lab.process import Process

EXABGP = Path(sys.executable).parent / "exabgp"
ENVIRONMENT = {"exabgp_daemon_user": "root", "exabgp_api_cli": "false", "exabgp_log_level": "WARNING"}
CONFIGURED = "<the lab's>"
CONFIG = """\
process idle {{ run {sleep} 1000; encoder json; }}
neighbor {peer} {{
    router-id {router_id}; local-address {local}; local-as {local_as}; peer-as {peer_as}; hold-time 9; {password}
    family {{ {families} }}
    static {{ {routes} }}
}}
"""


def announce(
    lab: Lab, node: str, tor: str, prefixes: Sequence[Prefix], *, community: str = "", password: str | None = CONFIGURED
) -> Process:
    """Announces the prefixes from the node to the ToR, over IPv4, each with the node's own address as next hop."""
    cable = lab.topology.cable(node, tor)
    plan = next(plan for plan in lab.topology.nodes if plan.name == node)
    if password is CONFIGURED:
        password = lab.topology.settings.passwords.get(f"{node}-{tor}")
    attributes = f" community [ {community} ]" if community else ""
    routes = [f"route {prefix} next-hop {cable.lower.address(prefix.version)}{attributes};" for prefix in prefixes]
    config = CONFIG.format(
        sleep=shutil.which("sleep"),
        peer=cable.upper.address(4),
        local=cable.lower.address(4),
        router_id=plan.addresses[0].ip,
        local_as=plan.asn,
        peer_as=lab.routers[tor].plan.asn,
        password=f"md5-password {password};" if password else "",
        families=" ".join(f"ipv{version} unicast;" for version in sorted({prefix.version for prefix in prefixes})),
        routes=" ".join(routes),
    )
    path = lab.directory_of(node) / f"exabgp-{tor}.conf"
    path.write_text(config)
    return lab.start(node, [str(EXABGP), "server", str(path)], name=f"exabgp-{tor}", env=ENVIRONMENT)


async def announce_everywhere(lab: Lab, prefixes: Sequence[Prefix]) -> None:
    """Every node has the prefixes on lo and announces them to every ToR that it is cabled to."""
    for node in lab.topology.nodes:
        for prefix in prefixes:
            await run("ip", "-n", lab.namespace(node.name), "address", "add", str(prefix), "dev", "lo", "nodad")
        for tor in lab.topology.tors_of(node.name):
            announce(lab, node.name, tor, prefixes)
