"""Break-glass on real routers: by command and by file, for a time that ends by itself."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bgp_config.names import host_prefix
from herald.lab.deployment import Deployment
from herald.lab.topology import Settings, rack
from tests.lab.fabric import everywhere, fabric, vip, without

pytestmark = pytest.mark.lab

SOON_S = 3.0
"""0.1 s on a quiet machine, and half a second more for the file."""

RESTART_S = 15.0


def runtime_dir(deployment: Deployment) -> Path:
    return deployment.lab.directory_of("node1") / "run"


def withdraw(deployment: Deployment, *words: str) -> str:
    """What `herald withdraw --local` prints on node1."""
    argv = [sys.executable, "-m", "herald", "withdraw", "--local", *words, "--runtime-dir", str(runtime_dir(deployment))]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


async def test_a_vip_by_command_ends_by_itself() -> None:
    async with fabric(rack(Settings(nodes=2))) as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        begun = time.monotonic()
        told = withdraw(deployment, str(web), "--ttl", "5s", "--reason", "incident 42")
        assert str(web) in told
        assert "incident 42" in told
        await deployment.routed(without(expected, "node1", web), SOON_S)
        await deployment.routed(expected, 5 + SOON_S)
        assert time.monotonic() - begun >= 5
        assert "Nothing" in withdraw(deployment, "--list")


async def test_all_by_command_and_by_the_switch_file_while_the_files_are_lost() -> None:
    async with fabric(rack(Settings(nodes=2))) as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        deployment.manifests.rename(deployment.manifests.with_name("lost"))  # the last state of each object counts
        withdraw(deployment, "--all", "--ttl", "1h")
        await deployment.routed(without(expected, "node1"), SOON_S)
        withdraw(deployment, "--cancel", "--all")
        await deployment.routed(expected, SOON_S)
        switch = runtime_dir(deployment) / "withdraw"
        switch.write_text("all 4s\n")
        await deployment.routed(without(expected, "node1"), SOON_S)
        await deployment.routed(expected, 4 + SOON_S)
        switch.write_text(f"{web} 1h\n")
        await deployment.routed(without(expected, "node1", web), SOON_S)
        switch.unlink()
        await deployment.routed(expected, SOON_S)
        assert deployment.speakers["node1"].output().count('"message":"withdrawn by hand"') == 3


async def test_a_speaker_that_is_killed_goes_on_with_what_was_withdrawn() -> None:
    async with fabric(rack(Settings(nodes=2))) as deployment:
        expected, web = everywhere(deployment), vip(deployment, "web")
        withdraw(deployment, str(web), "--ttl", "1h")
        await deployment.routed(without(expected, "node1", web), SOON_S)
        speaker = deployment.speakers["node1"]
        speaker.kill()
        await speaker.wait(5)
        await deployment.routed(without(expected, "node1"), SOON_S)
        async with deployment.lab.follow_routes("tor1") as routes:
            deployment.start_speaker("node1")
            await deployment.routed(without(expected, "node1", web), RESTART_S)
            assert [event for event in routes.events if event.prefix == host_prefix(web)] == []
        withdraw(deployment, "--cancel", str(web))
        await deployment.routed(expected, SOON_S)
