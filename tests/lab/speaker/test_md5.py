"""TCP MD5 (RFC 2385): the right password, a wrong one, none, and a rotation that touches no other session."""

from base64 import b64encode

import pytest

from bgp_config.names import host_prefix
from herald.lab.deployment import until
from herald.lab.topology import Settings, rack
from tests.lab.fabric import TIMEOUT_S, everywhere, fabric, without

pytestmark = pytest.mark.lab

PORT, OTHER_PORT = "node1-tor1", "node1-tor2"
FIRST, OTHER, WRONG = "Kiebitz-7", "Rotmilan-8", "Uhu-99"
"""Words that no log has for other reasons."""
TOPOLOGY = rack(Settings(passwords={PORT: FIRST, OTHER_PORT: OTHER}))


async def test_sessions_with_passwords_come_up() -> None:
    async with fabric(TOPOLOGY) as deployment:
        await deployment.routed(everywhere(deployment), 5)


async def test_without_its_secret_a_peer_has_no_session_and_says_so_and_gets_it_with_the_secret() -> None:
    async with fabric(TOPOLOGY, passwords=False) as deployment:
        deployment.write_secret(OTHER_PORT, OTHER)
        await deployment.routed(everywhere(deployment), TIMEOUT_S, ["tor2"])
        await deployment.routed(without(everywhere(deployment), "node1"), TIMEOUT_S, ["tor1"])
        speaker = deployment.speakers["node1"]
        await until(lambda: "passwordMissing" in speaker.output(), 5, speaker.output)
        deployment.write_secret(PORT, FIRST)
        await deployment.routed(everywhere(deployment), 10)


async def test_a_wrong_password_costs_that_session_only_and_a_rotation_to_the_right_one_mends_it() -> None:
    async with fabric(TOPOLOGY) as deployment:
        expected = everywhere(deployment)
        prefixes = {host_prefix(address) for address in expected}
        tor2 = deployment.lab.routers[deployment.lab.topology.tors[1].name]
        before = {peer: s.times_dropped for peer, s in (await tor2.sessions()).items()}
        async with deployment.lab.follow_routes("tor2") as untouched:
            deployment.write_secret(PORT, WRONG)
            await deployment.routed(without(expected, "node1"), 20, ["tor1"])
            deployment.write_secret(PORT, FIRST)
            await deployment.routed(expected, 20, ["tor1"])
            assert [event for event in untouched.events if event.prefix in prefixes] == []
        assert {peer: s.times_dropped for peer, s in (await tor2.sessions()).items()} == before
        for password in (FIRST, WRONG, OTHER):
            for written in (password, b64encode(password.encode()).decode()):
                assert all(written not in speaker.output() for speaker in deployment.speakers.values())
