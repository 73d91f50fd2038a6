"""What a node sees for itself, and what a person tells it, moves its routes while the API server is gone."""

import pytest

from herald.lab.kube.deployment import KubeDeployment
from herald.lab.topology import Settings, rack
from tests.lab.fabric import everywhere, fabric, vip, without
from tests.lab.speaker.test_by_hand import RESTART_S, SOON_S, withdraw
from tests.lab.speaker.test_health_checks import SEEN_S, SLACK_S, until_found, write_check

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

SHORT_SYNC = ("--sync-timeout", "2")
"""Till a restarted speaker does not wait for the API any longer."""


async def test_a_hung_process_is_seen_and_break_glass_works_also_across_a_restart_of_the_speaker() -> None:
    async with fabric(rack(Settings(nodes=2, control=True)), kube=True, flags=SHORT_SYNC) as deployment:
        assert isinstance(deployment, KubeDeployment)
        expected, web = everywhere(deployment), vip(deployment, "web")
        write_check(deployment)
        await until_found(deployment, "well", deployment.nodes)
        await deployment.cluster.api.stop()
        deployment.endpoints["node1"].process.stop()
        await deployment.routed(without(expected, "node1"), SEEN_S + SLACK_S)
        deployment.endpoints["node1"].process.cont()
        await deployment.routed(expected, SEEN_S + SLACK_S)
        withdraw(deployment, str(web), "--ttl", "1h", "--reason", "incident 42")
        await deployment.routed(without(expected, "node1", web), SOON_S)
        speaker = deployment.speakers["node1"]
        speaker.kill()
        await speaker.wait(5)
        await deployment.routed(without(expected, "node1"), SOON_S)
        deployment.start_speaker("node1")
        await deployment.routed(without(expected, "node1", web), RESTART_S)
        assert "incident 42" in withdraw(deployment, "--list")
        withdraw(deployment, "--cancel", str(web))
        await deployment.routed(expected, SOON_S)
