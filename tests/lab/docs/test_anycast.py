"""A host that is set up by docs/install/anycast.md announces its address to real routers, by the unit's own command,
and is least preferred when what serves there does not answer."""

import re
import shlex
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from bgp_config.names import host_prefix
from herald.lab import topology
from herald.lab.deployment import Deployment
from herald.lab.topology import MachineName, Settings
from herald.lab.waiting import until
from tests.docs.blocks import blocks
from tests.lab.conftest import RaiseLab

pytestmark = pytest.mark.lab

PAGE = Path(__file__).parents[3] / "docs" / "install" / "anycast.md"
ADDRESS = ip_address("198.51.100.53")
PROGRAM = "/opt/herald/bin/herald"
TIMEOUT_S = 20.0
DNS_PORT = 53
CHECK_S = 5.0
PREFERRED, LEAST_PREFERRED = 1, 13
"""How often the host's ASN is in the path of its own router."""


async def test_the_host_of_the_page_announces_its_address_as_its_server_is(raise_lab: RaiseLab, tmp_path: Path) -> None:
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
    dns = lab.start_endpoint("node1", port=DNS_PORT)
    deployment = Deployment(lab=lab, examples=None)
    await deployment.routed({ADDRESS: frozenset({"node1"})}, TIMEOUT_S)

    async def is_so(length: int) -> bool:
        """Of the path that each router has from the host itself."""
        paths = [await lab.routers[MachineName(tor)].paths(host_prefix(ADDRESS)) for tor in deployment.tors]
        return all(any(len(path.as_path) == length for path in each) for each in paths)

    await until(lambda: is_so(PREFERRED), TIMEOUT_S)
    dns.refuse()
    await until(lambda: is_so(LEAST_PREFERRED), CHECK_S)
    await deployment.routed({ADDRESS: frozenset({"node1"})}, TIMEOUT_S)
