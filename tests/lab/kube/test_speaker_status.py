"""BGPNode and BGPSession objects of running speakers, read as a person reads them, with kubectl."""

import asyncio
import time

import pytest

from herald.lab.kube.deployment import KubeDeployment
from herald.lab.kube.kubectl import kubectl
from tests.lab.kube.speakers import speakers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WEB, DB = "198.51.100.1", "198.51.100.2"
SOON_S = 5.0
COUNTED_S = 15.0
"""Counts follow a change of state within some seconds."""


async def rows(deployment: KubeDeployment, kind: str) -> list[list[str]]:
    """The table without its ages, split into cells where columns are."""
    table = await kubectl(deployment.cluster.api.admin, "get", kind)
    head, *lines = table.splitlines()
    starts = [
        0,
        *(at for at in range(1, len(head)) if head[at - 1] == " " and head[at] != " " and head[at - 2 : at] == "  "),
    ]
    return [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in [head, *lines]]


async def shows(deployment: KubeDeployment, kind: str, *wanted: list[str], but: int | None = None) -> None:
    """The table has these rows, counts included; the column `but`, an age, is not looked at."""
    deadline = time.monotonic() + COUNTED_S
    while True:
        _, *found = await rows(deployment, kind)
        seen = [[cell for at, cell in enumerate(row) if at != but] for row in found]
        if all(row in seen for row in wanted):
            return
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.1)


def session(node: str, tor: str, asn: int, state: str, prefixes: int, error: str = "") -> list[str]:
    return [f"{node}.{node}-{tor}", node, f"{node}-{tor}", str(asn), state, str(prefixes), error]


async def test_kubectl_get_bgpsessions_reads_well_and_follows_within_seconds() -> None:
    async with speakers({"web": WEB, "db": DB}) as deployment:
        head = ["NAME", "NODE", "PEER", "ASN", "STATE", "SINCE", "PREFIXES", "LAST ERROR"]
        assert (await rows(deployment, "bgpsessions"))[0] == head
        names = [("node1", "tor1", 65001), ("node1", "tor2", 65002), ("node2", "tor1", 65001), ("node2", "tor2", 65002)]
        up = [session(node, tor, asn, "Established", 2) for node, tor, asn in names]
        await shows(deployment, "bgpsessions", *up, but=5)
        await deployment.lab.routers["tor1"].kill_bgpd()
        down = [["node1.node1-tor1", "node1", "node1-tor1", "65001", "Down", "0"]]
        deadline = time.monotonic() + SOON_S
        while [row[:5] + row[6:7] for row in (await rows(deployment, "bgpsessions"))[1:2]] != down:
            assert time.monotonic() < deadline
        assert (await rows(deployment, "bgpsessions"))[1][7], "it does not say why"


async def test_kubectl_get_bgpnodes_tells_what_a_node_announces_and_why_it_is_not_ready() -> None:
    async with speakers({"web": WEB, "db": DB}) as deployment:
        head = ["NAME", "READY", "ANNOUNCED", "WITHHELD", "ESTABLISHED", "SESSIONS", "DRAIN", "DATA PATH", "STALE"]
        assert (await rows(deployment, "bgpnodes"))[0][:9] == head
        healthy = [[name, "True", "2", "0", "2", "2", "", "Healthy", ""] for name in ("node1", "node2")]
        deadline = time.monotonic() + COUNTED_S
        while [row[:9] for row in (await rows(deployment, "bgpnodes"))[1:]] != healthy:
            assert time.monotonic() < deadline, await rows(deployment, "bgpnodes")
        await deployment.lab.routers["tor1"].kill_bgpd()
        while [row[1] for row in (await rows(deployment, "bgpnodes"))[1:]] != ["False", "False"]:
            assert time.monotonic() < deadline + SOON_S


async def test_the_session_of_a_peer_that_is_gone_is_gone_too_and_all_are_owned_by_the_node() -> None:
    async with speakers({"web": WEB}) as deployment:
        client = deployment.cluster.api.client
        sessions = "/apis/herald-lb.io/v1alpha1/bgpsessions"
        deadline = time.monotonic() + SOON_S
        while len(found := client.get(sessions)["items"]) < 4:
            assert time.monotonic() < deadline
        owners = {item["metadata"]["name"]: item["metadata"]["ownerReferences"][0]["name"] for item in found}
        assert owners["node2.node2-tor1"] == "node2"
        client.request("DELETE", "/apis/herald-lb.io/v1alpha1/bgppeers/node1-tor1")
        deadline = time.monotonic() + 10 + SOON_S
        while "node1.node1-tor1" in {item["metadata"]["name"] for item in client.get(sessions)["items"]}:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
