"""De-preference in two racks, at both ToRs, the spine and for a client behind each, as an operator's routers take it.

node1 is on ToR A, node2 on both, node3 on B. A planned change fails no new connection: what leaves goes on serving. What
is sick is behind what only leaves, and where all are one or the other, traffic flows. A ToR that turns to the other rack
may be some milliseconds ahead of the spine: they send packets to one another until their TTL ends, as with any change of
routes between racks. A client that hears of this gives up; it is counted, and must be nothing else.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bgp_config.names import IPAddress, host_prefix
from herald.kube.objects import Kind
from herald.lab import manifests
from herald.lab.deployment import Deployment, until
from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.load_report import Outcome, Result
from herald.lab.topology import Settings, two_racks
from herald.lab.traffic import Load, LoadPlan
from tests.lab.fabric import fabric, vip

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

CLIENTS = {"clientA": "torA", "clientB": "torB", "client": "spine"}
"""Each client, and the router that it is behind."""
MOVED_S = 5.0
"""From a change of a manifest to the last router's kernel; half a second on a quiet machine."""
START_S = 30.0
SETTLED_S = 0.2
WATCHED_S = 0.8
LOOP_S = 0.5
TTL_EXCEEDED = "No route to host"
"""What connect() makes of it."""
CHECK = {"protocol": "HTTP", "intervalMilliseconds": 200, "timeoutMilliseconds": 200, "fall": 2, "rise": 2}
TERMINATING = {"ready": False, "serving": True, "terminating": True}

NextHops = Mapping[str, set[str]]
"""By router, the machines that it sends the VIP's traffic to."""
NORMAL: NextHops = {"torA": {"node1", "node2"}, "torB": {"node2", "node3"}, "spine": {"torA", "torB"}}


@dataclass(kw_only=True)
class Racks:
    """A Service on all three nodes, and a load from every client. `took` are the times of the moves, for people."""

    deployment: Deployment
    address: IPAddress
    loads: Mapping[str, Load]
    took: list[str] = field(default_factory=list)

    def leave(self, *nodes: str) -> float:
        """From now on the endpoints of exactly these nodes are terminating, and serve."""
        made: dict[str, Any] = manifests.endpoint_slice("web", self.deployment.nodes)
        for node, endpoint in zip(self.deployment.lab.topology.nodes, made["endpoints"], strict=True):
            endpoint["addresses"] = [str(node.addresses[0].ip)]
            if node.name in nodes:
                endpoint["conditions"] = TERMINATING
        made["ports"] = [{"name": "http", "port": DEFAULT_PORT, "protocol": "TCP"}]
        return self.deployment.write("slices/web.yaml", manifests.dump([made]))

    def sicken(self, *nodes: str) -> float:
        for node in nodes:
            self.deployment.endpoints[node].fail()
        return time.monotonic()

    async def moved(self, what: str, since: float, expected: NextHops, within_s: float = MOVED_S) -> float:
        """Returns when the routers' kernels have exactly these next hops, and notes how long each took."""
        at = {}
        for router, machines in expected.items():
            at[router] = await until(
                lambda r=router, m=machines: self._next_hops(r) == m,  # type: ignore[misc]  # bound at once
                within_s,
                lambda r=router, m=machines: f"{what}: {r} sends to {self._next_hops(r)}, not to {m}",  # type: ignore[misc]
            )
        times = ", ".join(f"{router} {when - since:.2f} s" for router, when in at.items())
        self.took.append(f"{what}: {times}")
        await asyncio.sleep(SETTLED_S)
        return time.monotonic()

    async def served(self, expected: Mapping[str, set[str]]) -> None:
        """From now on every client has its answers from these nodes only, and no new connection fails.

        Not from all of them: where all routers hash alike, a ToR gets only those flows that it sends to one of its nodes.
        """
        begun = time.monotonic()
        await asyncio.sleep(WATCHED_S)
        for client, load in self.loads.items():
            report = load.report().between(begun, time.monotonic())
            assert set(report.by_node) <= expected[client], f"{client} behind {CLIENTS[client]}"
            assert report.by_node, f"{client} has no answers"
            assert report.failed == 0

    async def failures(self) -> list[Result]:
        """Ends the loads; all new connections that failed."""
        results = [each for load in self.loads.values() for each in (await load.finish()).results]
        failed = [each for each in results if each.outcome is Outcome.FAILED]
        self.took.append(f"{len(failed)} of {len(results)} new connections failed")
        return failed

    def _next_hops(self, router: str) -> set[str]:
        lab = self.deployment.lab
        ends = (end for cable in lab.topology.cables_of(router) for end in (cable.upper, cable.lower))
        machines = {interface.ip: str(end.machine) for end in ends for interface in end.addresses}
        route = next(r for r in lab.routers.values() if r.name == router).kernel_routes().get(host_prefix(self.address))
        return {machines[hop] for hop in route.next_hops} if route else set()


@asynccontextmanager
async def racks(*, strips_communities: bool) -> AsyncIterator[Racks]:
    topology = two_racks(Settings(strips_communities=strips_communities, nodes=3))
    async with fabric(topology, services=("web",), flags=("--bind-vips",), all_nodes_everywhere=False) as deployment:
        await deployment.lab.fabric_up()
        address = vip(deployment, "web")
        made = Racks(deployment=deployment, address=address, loads={})
        made.leave()
        await made.moved("start", time.monotonic(), NORMAL, START_S)
        plan = LoadPlan(rate=100)
        made.loads = {client: deployment.lab.start_load([address], plan, client=client) for client in CLIENTS}
        await until(lambda: all(load.report().requests for load in made.loads.values()), 10, lambda: "no load runs")
        try:
            yield made
        finally:
            print(*made.took, sep="\n")  # noqa: T201 -- figures


def all_clients(nodes: Iterable[str]) -> Mapping[str, set[str]]:
    return {client: set(nodes) for client in CLIENTS}


@pytest.mark.parametrize("strips_communities", [False, True], ids=["GSHUT honoured", "communities stripped"])
async def test_planned_changes_move_traffic_rack_by_rack_and_fail_no_new_connection(*, strips_communities: bool) -> None:
    async with racks(strips_communities=strips_communities) as made:
        everyone = {"clientA": {"node1", "node2"}, "clientB": {"node2", "node3"}, "client": {"node1", "node2", "node3"}}
        await made.served(everyone)
        await made.moved("part of A", made.leave("node1"), {**NORMAL, "torA": {"node2"}})
        await made.served({"clientA": {"node2"}, "clientB": {"node2", "node3"}, "client": {"node2", "node3"}})
        only_b = {"torA": {"spine"}, "torB": {"node3"}, "spine": {"torB"}}
        turns = [made.leave("node1", "node2")]
        await made.moved("all of A", turns[0], only_b)
        await made.served(all_clients(["node3"]))
        await made.moved("all of both", made.leave("node1", "node2", "node3"), NORMAL)
        await made.served(everyone)
        turns.append(made.leave("node1", "node2"))
        await made.moved("node3 is back", turns[1], only_b)
        await made.served(all_clients(["node3"]))
        await made.moved("node2 is back", made.leave("node1"), {**NORMAL, "torA": {"node2"}})
        await made.moved("node1 is back", made.leave(), NORMAL)
        await made.served(everyone)
        failures = await made.failures()
        assert {each.why for each in failures} <= {TTL_EXCEEDED}
        assert all(any(0 < each.at - turn < LOOP_S for turn in turns) for each in failures), failures


@pytest.mark.parametrize("strips_communities", [False, True], ids=["GSHUT honoured", "communities stripped"])
async def test_of_one_that_leaves_and_two_that_are_sick_the_one_that_leaves_serves(*, strips_communities: bool) -> None:
    async with racks(strips_communities=strips_communities) as made:
        made.deployment.write("health.yaml", manifests.dump([manifests.manifest(Kind.HEALTH_CHECK, "web", CHECK)]))
        await asyncio.sleep(WATCHED_S)
        await made.moved("node1 leaves", made.leave("node1"), {**NORMAL, "torA": {"node2"}})
        sick_at = made.sicken("node2", "node3")
        moved_at = await made.moved(
            "and node2 and node3 fail", sick_at, {"torA": {"node1"}, "torB": {"spine"}, "spine": {"torA"}}
        )
        await made.served(all_clients(["node1"]))
        assert all(sick_at - 1 < each.at < moved_at for each in await made.failures()), "only before it was seen"
        await made.moved("and node1 fails too", made.sicken("node1"), NORMAL)
