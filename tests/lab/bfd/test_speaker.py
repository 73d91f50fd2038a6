"""What the speaker makes of BFD: BGP with a silent peer ends at both ends, and nothing that restarts here takes BFD down."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest
import yaml

from bgp_config.names import IPAddress
from herald.lab.deployment import Deployment
from herald.lab.manifests import Manifest
from herald.lab.topology import Settings
from herald.lab.waiting import until
from herald.status import local
from tests.lab.bfd.node import mute, unmute
from tests.lab.bfd.running import DETECTION_S, FAST, all_up, bfd_fabric, times_down
from tests.lab.fabric import everywhere, without

pytestmark = pytest.mark.lab

SETTINGS = Settings(nodes=2, bfd=FAST)
CLOSED_S = DETECTION_S + 2.0
"""On a busy machine; the hold time is 9 s."""
BACK_S = 15.0


async def test_a_silent_node_is_out_of_both_tors_and_back_with_bfd_in_both_families() -> None:
    """The last ToR takes any neighbor and begins BFD with its BGP session only: neither may wait for the other."""
    async with bfd_fabric(replace(SETTINGS, ipv6=True)) as deployment:
        expected = everywhere(deployment)
        await deployment.lab.silence("node1")
        await deployment.routed(without(expected, "node1"), CLOSED_S)
        await until(partial(_says, deployment, "bfdDown", 4), CLOSED_S)
        await deployment.lab.unsilence("node1")
        await deployment.routed(expected, BACK_S)
        await until(partial(_says, deployment, "", 4), BACK_S)


@pytest.mark.parametrize(("sender", "receiver"), [("tor1", "node1"), ("node1", "tor1")])
async def test_loss_in_one_direction_ends_bgp_on_that_link_only_as_long_as_it_lasts(sender: str, receiver: str) -> None:
    async with bfd_fabric() as deployment:
        expected = everywhere(deployment)
        await mute(deployment.lab, sender, receiver)
        await deployment.routed(without(expected, "node1"), CLOSED_S, ["tor1"])
        await deployment.routed(expected, 1, ["tor2"])
        await unmute(deployment.lab, sender, receiver)
        await deployment.routed(expected, BACK_S)


async def test_a_link_that_flaps_three_times_in_a_minute_is_left_without_bgp_though_bfd_is_up_again() -> None:
    async with bfd_fabric() as deployment:
        expected = everywhere(deployment)
        for _ in range(3):
            await deployment.lab.silence("node1", "tor1")
            await until(partial(_bfd_down_at_both_ends, deployment, "tor1"), CLOSED_S)
            await deployment.lab.unsilence("node1", "tor1")
            await until(partial(_bfd_up, deployment, "tor1"), BACK_S)
        await until(partial(_reasons, deployment, {"tor1": "bfdHeldDown", "tor2": ""}), CLOSED_S)
        await deployment.routed(without(expected, "node1"), 0.5, ["tor1"])
        await deployment.routed(expected, 0.5, ["tor2"])


async def test_a_killed_speaker_leaves_bfd_up_and_its_successor_too() -> None:
    async with bfd_fabric() as deployment:
        expected = everywhere(deployment)
        before = await times_down(deployment, "tor1")
        deployment.speakers["node1"].kill()
        await deployment.routed(without(expected, "node1"), 5, ["tor1"])
        assert await times_down(deployment, "tor1") == before
        deployment.start_speaker("node1")
        await deployment.routed(expected, BACK_S)
        assert await times_down(deployment, "tor1") == before


async def test_a_killed_bfd_program_costs_its_sessions_a_moment_and_bgp_goes_on_without_it() -> None:
    """The ToR cannot tell it from a dead node, so it ends BGP once."""
    async with bfd_fabric() as deployment:
        expected = everywhere(deployment)
        deployment.bfds["node1"].kill()
        await deployment.routed(without(expected, "node1"), CLOSED_S, ["tor1"])
        await deployment.routed(expected, BACK_S)
        await until(partial(_misses_program, deployment), 5)
        before = await _dropped(deployment)
        deployment.start_bfd("node1")
        await all_up(deployment)
        await deployment.routed(expected, 1)
        assert await _dropped(deployment) == before


async def test_a_strict_peer_has_no_bgp_session_without_a_bfd_program() -> None:
    async with bfd_fabric() as deployment:
        expected = everywhere(deployment)
        _change_profile(deployment, strict=True)
        deployment.bfds["node1"].terminate()
        await deployment.bfds["node1"].wait(5)
        await deployment.routed(without(expected, "node1"), 5, ["tor1"])
        await until(partial(_says, deployment, "bfdAwaited", 2), 5)
        deployment.start_bfd("node1")
        await deployment.routed(expected, BACK_S, ["tor1"])


async def test_a_peer_that_is_removed_is_told_so_by_bfd_and_the_others_stay_up() -> None:
    async with bfd_fabric() as deployment:
        before = await times_down(deployment, "tor1")
        port = deployment.lab.topology.cable("node1", "tor2").lower.address(4)
        kept = [each for each in _network(deployment) if each["metadata"]["name"] != "node1-tor2"]
        deployment.write("network.yaml", yaml.safe_dump_all(kept))
        await deployment.routed(without(everywhere(deployment), "node1"), 10, ["tor2"])
        await until(partial(_bfd_gone, deployment, "tor2", port), 10)
        assert await times_down(deployment, "tor1") == before


async def _says(deployment: Deployment, reason: str, sessions: int) -> bool:
    """node1's speaker says this of BFD on all its sessions; empty: nothing is wrong."""
    (node,) = (await local.ask(deployment.runtime_of("node1"))).nodes
    said = [session.bfd.reason or "" for session in node.sessions if session.bfd]
    return said == [reason] * sessions


async def _reasons(deployment: Deployment, reasons: Mapping[str, str]) -> bool:
    """node1's speaker says these, by ToR."""
    (node,) = (await local.ask(deployment.runtime_of("node1"))).nodes
    return {s.peer.removeprefix("node1-"): s.bfd.reason or "" for s in node.sessions if s.bfd} == reasons


async def _bfd_up(deployment: Deployment, tor: str) -> bool:
    address = deployment.lab.topology.cable("node1", tor).lower.address(4)
    session = (await deployment.lab.routers[tor].bfd_sessions()).get(address)
    return session is not None and session.up


async def _bfd_down_at_both_ends(deployment: Deployment, tor: str) -> bool:
    (node,) = (await local.ask(deployment.runtime_of("node1"))).nodes
    here = {session.peer.removeprefix("node1-"): session.bfd for session in node.sessions}[tor]
    return here is not None and here.state == "Down" and not await _bfd_up(deployment, tor)


async def _misses_program(deployment: Deployment) -> bool:
    (node,) = (await local.ask(deployment.runtime_of("node1"))).nodes
    return node.bgp_node is not None and "bfdProgramMissing" in {error.reason for error in node.bgp_node.errors}


async def _bfd_gone(deployment: Deployment, tor: str, peer: IPAddress) -> bool:
    """Ended on purpose, or forgotten with the neighbor."""
    session = (await deployment.lab.routers[tor].bfd_sessions()).get(peer)
    return session is None or session.remote_diagnostic == "administratively down"


def _network(deployment: Deployment) -> list[Manifest]:
    return [each for each in yaml.safe_load_all((deployment.manifests / "network.yaml").read_text()) if each]


def _change_profile(deployment: Deployment, **spec: object) -> None:
    changed = _network(deployment)
    for each in changed:
        if each["kind"] == "BFDProfile":
            each["spec"].update(spec)
    deployment.write("network.yaml", yaml.safe_dump_all(changed))


async def _dropped(deployment: Deployment) -> int:
    """How often the ToRs have lost the BGP sessions of named neighbors."""
    return sum(session.times_dropped for session in (await deployment.lab.routers["tor1"].sessions()).values())
