"""The node's objects at a real API server: made, owned, kept up to date, taken back and removed, whatever happens to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from bgp_config.crd.text import files
from bgp_config.status.node import BGPNodeStatus
from bgp_config.status.session import BGPSessionStatus, State
from herald.kube.api import ApiClient, KubeconfigFile
from herald.kube.objects import Metadata, Node
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.client import ApiError
from herald.lab.manifests import Manifest
from herald.lab.waiting import until
from speaker.reporter import Report, Reporter
from speaker.status import Moment

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

ROOT = "/apis/herald-lb.io/v1alpha1"
TIMEOUT_S = 10.0
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def session(peer: str, state: State = State.ESTABLISHED) -> BGPSessionStatus:
    return BGPSessionStatus(
        node="node1",
        peer=peer,
        peer_address="10.1.1.0",
        peer_asn=65001,
        local_asn=64512,
        state=state,
        since=AT,
        prefixes=1,
    )


@dataclass
class Speaking:
    """A reporter and what it is to report."""

    api: ApiServer
    uid: str
    sessions: dict[str, BGPSessionStatus] = field(default_factory=dict)
    reporter: Reporter | None = None

    def render(self, moment: Moment) -> Report:
        del moment
        node = Node(metadata=Metadata(name="node1", uid=self.uid))
        return Report(node=node, bgp_node=BGPNodeStatus(version="1"), sessions=dict(self.sessions))

    def say(self, **sessions: BGPSessionStatus) -> None:
        self.sessions = {f"node1.{name}": status for name, status in sessions.items()}
        if self.reporter:
            self.reporter.wake()

    def stored(self) -> dict[str, Any]:
        return {item["metadata"]["name"]: item for item in self.api.client.get(f"{ROOT}/bgpsessions")["items"]}

    def states(self) -> dict[str, str]:
        return {name: item.get("status", {}).get("state", "") for name, item in self.stored().items()}

    async def shows(self, **states: State) -> None:
        wanted = {f"node1.{name}": state.value for name, state in states.items()}
        await until(lambda: self.states() == wanted, TIMEOUT_S)

    @contextlib.asynccontextmanager
    async def life(self, tmp_path: Path) -> AsyncIterator[Reporter]:
        access = KubeconfigFile(path=self.api.admin.write_kubeconfig(tmp_path / "kubeconfig"))
        async with ApiClient(access, timeout_s=2.0) as client:
            self.reporter = Reporter(client=client, render=self.render)
            task = asyncio.create_task(self.reporter.run())
            yield self.reporter
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def speaking(api_server: ApiServer) -> Speaking:
    api_server.client.apply(yaml.safe_load(text) for text in files().values())

    def served() -> bool:
        try:
            api_server.client.get(f"{ROOT}/bgpsessions")
            api_server.client.get(f"{ROOT}/bgpnodes")
        except ApiError:
            return False
        return True

    await until(served, TIMEOUT_S)
    node: Manifest = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}
    api_server.client.apply([node])
    return Speaking(api_server, api_server.client.get("/api/v1/nodes/node1")["metadata"]["uid"])


async def test_objects_are_made_owned_by_the_node_kept_and_removed(speaking: Speaking, tmp_path: Path) -> None:
    speaking.say(tor1=session("tor1"), tor2=session("tor2", State.DOWN))
    async with speaking.life(tmp_path):
        await speaking.shows(tor1=State.ESTABLISHED, tor2=State.DOWN)
        node = speaking.api.client.get(f"{ROOT}/bgpnodes/node1")
        owner = {"apiVersion": "v1", "kind": "Node", "name": "node1", "uid": speaking.uid}
        assert [node["metadata"]["ownerReferences"], node["status"]["version"]] == [[owner], "1"]
        assert speaking.stored()["node1.tor1"]["metadata"]["ownerReferences"] == [owner]
        speaking.say(tor1=session("tor1", State.DOWN))
        await speaking.shows(tor1=State.DOWN)


async def test_what_an_earlier_life_left_and_nobody_asks_for_is_removed_and_other_nodes_objects_stay(
    speaking: Speaking, tmp_path: Path
) -> None:
    speaking.say(tor1=session("tor1"), tor2=session("tor2"))
    async with speaking.life(tmp_path):
        await speaking.shows(tor1=State.ESTABLISHED, tor2=State.ESTABLISHED)
    foreign = msgspec.to_builtins(msgspec.structs.replace(session("tor1"), node="node2"))
    manifest: Manifest = {"apiVersion": "herald-lb.io/v1alpha1", "kind": "BGPSession", "metadata": {"name": "node2.tor1"}}
    speaking.api.client.apply([{**manifest, "status": foreign}])
    speaking.say(tor1=session("tor1", State.DOWN))
    async with speaking.life(tmp_path):
        wanted = {"node1.tor1": "Down", "node2.tor1": "Established"}
        await until(lambda: speaking.states() == wanted, TIMEOUT_S)


async def test_an_object_that_somebody_deletes_is_made_again_with_the_next_word(speaking: Speaking, tmp_path: Path) -> None:
    speaking.say(tor1=session("tor1"))
    async with speaking.life(tmp_path):
        await speaking.shows(tor1=State.ESTABLISHED)
        speaking.api.client.request("DELETE", f"{ROOT}/bgpsessions/node1.tor1")
        speaking.say(tor1=session("tor1", State.DOWN))
        await speaking.shows(tor1=State.DOWN)


async def test_after_an_outage_the_latest_is_said_and_nothing_in_between(speaking: Speaking, tmp_path: Path) -> None:
    speaking.say(tor1=session("tor1"))
    async with speaking.life(tmp_path) as reporter:
        await speaking.shows(tor1=State.ESTABLISHED)
        await speaking.api.stop()
        for state in (State.DOWN, State.ESTABLISHED) * 20:
            speaking.say(tor1=session("tor1", state), tor2=session("tor2", state))
            await asyncio.sleep(0.01)
        speaking.say(tor3=session("tor3", State.DOWN))
        await until(lambda: reporter.failures > 0, TIMEOUT_S)
        await speaking.api.start()
        await speaking.shows(tor3=State.DOWN)
        await until(lambda: reporter.failures == 0, TIMEOUT_S)


async def test_who_was_long_unheard_says_everything_again(speaking: Speaking, tmp_path: Path) -> None:
    speaking.say(tor1=session("tor1"))
    async with speaking.life(tmp_path) as reporter:
        await speaking.shows(tor1=State.ESTABLISHED)
        name = {"apiVersion": "herald-lb.io/v1alpha1", "kind": "BGPSession", "metadata": {"name": "node1.tor1"}}
        speaking.api.client.apply([{**name, "status": {"state": "Unknown"}}])  # as a controller does that hears nothing
        await speaking.shows(tor1=State.UNKNOWN)

        def heard_again() -> bool:
            reporter._complete_at -= 60  # again and again: a report under way would undo it
            reporter.wake()
            return speaking.states() == {"node1.tor1": State.ESTABLISHED.value}

        await until(heard_again, 3 * TIMEOUT_S, every_s=0.5)
