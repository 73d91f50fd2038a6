"""A host that is set up by docs/install/anycast.md announces its address to real routers, by the unit's own command."""

import re
import shlex
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from herald.lab import topology
from herald.lab.deployment import Deployment
from herald.lab.topology import Settings
from tests.docs.blocks import blocks
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

PAGE = Path(__file__).parents[3] / "docs" / "install" / "anycast.md"
ADDRESS = ip_address("198.51.100.53")
PROGRAM = "/opt/herald/bin/herald"
TIMEOUT_S = 20.0


async def test_the_host_of_the_page_announces_its_address_to_both_routers(raise_lab: RaiseLab, tmp_path: Path) -> None:
    lab = await raise_lab(topology.rack(Settings(nodes=1)))
    unit = ""
    for block in blocks(PAGE.read_text()):
        if block.title.endswith(".service"):
            unit = block.text
        elif block.title:
            path = tmp_path / block.title.removeprefix("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    found = re.search(rf"^ExecStart={PROGRAM} (.*)$", unit, re.MULTILINE)
    assert found
    # Herald is installed elsewhere here, and the files of the host are in a directory.
    arguments = [word.replace("/etc/", f"{tmp_path}/etc/") for word in shlex.split(found[1])]
    runtime = ["--runtime-dir", str(lab.directory_of("node1") / "run")]
    lab.start("node1", [sys.executable, "-m", "herald", *arguments, *runtime], name="speaker")
    await Deployment(lab=lab, examples=None).routed({ADDRESS: frozenset({"node1"})}, TIMEOUT_S)
