"""Nothing outside the pools leaves a node, whatever the state files say."""

import asyncio

import msgspec
import pytest

from bgp_config.names import host_prefix
from herald.kube.directory import DirectoryStatusWriter
from herald.kube.objects import Metadata, Service
from herald.lab.deployment import until
from tests.builders import ip
from tests.lab.fabric import everywhere, fabric, vip

pytestmark = pytest.mark.lab

OUTSIDE = ("203.0.113.7", "10.0.255.1", "10.1.1.0", "10.9.0.10")
"""An address of nobody, of the node itself, of its peer and of the client: all outside the pools."""


async def test_an_address_outside_the_pools_is_on_no_wire_and_a_speaker_says_why() -> None:
    async with fabric() as deployment:
        assert deployment.controller is not None
        deployment.controller.kill()  # or it would put right what is written here
        web, speaker = vip(deployment, "web"), deployment.speakers["node1"]
        service = Service(metadata=Metadata(name="db", namespace="default"))
        async with deployment.lab.capture_updates("node1", "tor1") as updates:
            await DirectoryStatusWriter(deployment.state).write_ingress(service, [ip(text) for text in OUTSIDE])
            for text in OUTSIDE:
                await until(lambda text=text: text in speaker.output(), 5, speaker.output)  # type: ignore[misc]
            deployment.write_slice("web", unready=["node1"])
            await updates.first(lambda u: host_prefix(web) in u.update.withdrawn, 5)
            await asyncio.sleep(0.2)
            announced = {prefix for u in updates.events for prefix in u.update.announced}
            assert announced == set()
        reasons = {
            line["vip"]: line["reason"]
            for line in map(msgspec.json.decode, speaker.output().splitlines())
            if line.get("vip") in OUTSIDE
        }
        assert reasons == dict.fromkeys(OUTSIDE, "notInPool")
        assert all(address not in deployment.next_hops("tor1") for address in map(ip, OUTSIDE))
        assert everywhere(deployment)
