"""SIGTERM: every route is withdrawn on the wire before the session closes, and the speaker has ended within 5 s."""

import pytest

from bgp_config.names import host_prefix
from herald.lab.namespace import processes_in
from tests.lab.fabric import everywhere, fabric, without

pytestmark = pytest.mark.lab


async def test_sigterm_withdraws_on_the_wire_and_ends_within_5_s() -> None:
    async with fabric() as deployment:
        prefixes = {host_prefix(address) for address in everywhere(deployment)}
        async with (
            deployment.lab.capture_updates("node1", "tor1") as one,
            deployment.lab.capture_updates("node1", "tor2") as two,
        ):
            speaker = deployment.speakers["node1"]
            speaker.terminate()
            assert await speaker.wait(5) == 0
            for updates in (one, two):
                assert {prefix for u in updates.events for prefix in u.update.withdrawn} == prefixes
        await deployment.routed(without(everywhere(deployment), "node1"), 5)
        left = processes_in([deployment.lab.namespace("node1")])
        assert left == [deployment.endpoints["node1"].process.pid], "an ExaBGP outlives the speaker"
