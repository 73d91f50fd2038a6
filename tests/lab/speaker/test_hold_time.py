"""What is told of a session's hold time is what both ends agreed on, not what we asked for."""

import pytest

from herald.lab import manifests
from herald.lab.command import run
from herald.lab.deployment import Deployment, until
from herald.lab.topology import Settings, rack
from tests.lab.fabric import everywhere, fabric

pytestmark = pytest.mark.lab


async def hold_times(deployment: Deployment, node: str) -> set[str]:
    net = f"--net=/run/netns/{deployment.lab.namespace(node)}"
    text = await run("nsenter", net, "--", "curl", "--silent", "http://127.0.0.1:7473/metrics")
    return {line.split()[1] for line in text.splitlines() if line.startswith("herald_bgp_session_hold_time_seconds{")}


async def test_the_smaller_of_both_hold_times_is_told_while_the_session_is_up() -> None:
    topology = rack(Settings(hold_time_s=9))
    async with fabric(topology) as deployment:
        assert await hold_times(deployment, "node1") == {"9.0"}
        longer = manifests.network(topology)
        for each in longer:
            if each["kind"] == "BGPPeer":
                each["spec"] = each["spec"] | {"holdTimeSeconds": 60, "keepaliveTimeSeconds": 20}
        deployment.write("network.yaml", manifests.dump(longer))
        speaker = deployment.speakers["node1"]
        await until(lambda: speaker.output().count("session established") >= 4, 30, speaker.output)
        await deployment.routed(everywhere(deployment), 30)
        assert await hold_times(deployment, "node1") == {"9.0"}, "the routers still offer 9 s"
