"""An engine on node1 of a lab, for tests: where its loop runs, what it shall say, what happened.

The test's body runs in a thread that is inside node1's namespace, so that every ExaBGP it starts is there too.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import TypeVar

from bgp_config.names import Family, Prefix
from herald.lab import waiting
from herald.lab.lab import Lab
from herald.lab.namespace import inside
from herald.lab.router import Router
from herald.lab.topology import MachineName, Topology
from speaker.exabgp.engine import ExaBgpEngine
from speaker.route import PathAttributes
from speaker.session import Closed, Ending, Established, InSync, Programmed, SessionEvent, SessionSpec

T = TypeVar("T")
NODE = "node1"


def vip(number: int) -> Prefix:
    return ip_network(f"198.51.100.{number}/32")


async def until(holds: Callable[[], bool | Awaitable[bool]], within_s: float = 10.0) -> float:
    """Seconds until it holds."""
    begun = time.monotonic()
    await waiting.until(holds, within_s, every_s=0.01)
    return time.monotonic() - begun


@dataclass
class NodeEngine:
    """The engine and all its events so far."""

    lab: Lab
    engine: ExaBgpEngine
    events: list[SessionEvent] = field(default_factory=list)

    def tor(self, name: str) -> Router:
        return self.lab.routers[MachineName(name)]

    def spec(self, tor: str = "tor1", version: int = 4, **changes: object) -> SessionSpec:
        cable = self.lab.topology.cable(NODE, tor)
        node = next(node for node in self.lab.topology.nodes if node.name == NODE)
        router = next(router for router in self.lab.topology.routers if router.name == tor)
        settings = {
            "peer_address": cable.upper.address(version),
            "peer_port": 179,
            "peer_asn": router.asn,
            "local_address": cable.lower.address(version),
            "local_asn": node.asn,
            "router_id": IPv4Address("10.0.255.1"),
            "hold_time_s": 9,
            "families": frozenset({Family(version)}),
        }
        return SessionSpec(**(settings | changes))  # type: ignore[arg-type]

    def attributes(self, spec: SessionSpec, **changes: object) -> PathAttributes:
        own = () if spec.is_internal else (spec.local_asn,)
        preference = 100 if spec.is_internal else None
        settings = {"next_hop": spec.local_address, "as_path": own, "local_pref": preference}
        return PathAttributes(**(settings | changes))  # type: ignore[arg-type]

    def routes(self, spec: SessionSpec, *numbers: int) -> Mapping[Prefix, PathAttributes]:
        return {vip(number): self.attributes(spec) for number in numbers}

    def of(self, kind: type[T], spec: SessionSpec) -> list[T]:
        return [event for event in self.events if isinstance(event, kind) and event.spec == spec]

    async def in_sync(self, spec: SessionSpec, times: int = 1, within_s: float = 10.0) -> float:
        return await until(lambda: len(self.of(InSync, spec)) >= times, within_s)

    async def programmed(self, spec: SessionSpec, prefix: Prefix, attributes: PathAttributes | None) -> float:
        def last_is() -> bool:
            of_prefix = [event for event in self.of(Programmed, spec) if event.prefix == prefix]
            return bool(of_prefix) and of_prefix[-1].attributes == attributes

        return await until(last_is)

    async def rib(self, tor: str, version: int = 4) -> set[Prefix]:
        """The prefixes with a path that is not stale in the router's table."""
        table = json.loads(await self.tor(tor).vtysh(f"show bgp ipv{version} unicast json") or "{}")
        routes = table.get("routes", {})
        return {ip_network(text) for text, paths in routes.items() if any(not path.get("stale") for path in paths)}

    async def tor_has(self, tor: str, *numbers: int, within_s: float = 5.0) -> float:
        """Until the router's VIPs are exactly these."""
        wanted = {vip(number) for number in numbers}
        pool = ip_network("198.51.100.0/24")

        async def has() -> bool:
            return {prefix for prefix in await self.rib(tor) if prefix.overlaps(pool)} == wanted

        return await until(has, within_s)

    def is_up(self, spec: SessionSpec) -> bool:
        last = next((e for e in reversed(self.events) if e.spec == spec and isinstance(e, Established | Closed)), None)
        return isinstance(last, Established)


def on_node(
    topology: Topology, directory: Path, body: Callable[[NodeEngine], Awaitable[None]], *, exabgp: Path | None = None
) -> None:
    """Builds the lab and runs `body` on its node1 with an engine that runs; takes both away again."""

    async def with_engine(lab: Lab) -> None:
        events: list[SessionEvent] = []
        engine = ExaBgpEngine(directory=directory / "exabgp", on_event=events.append, exabgp=exabgp)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            try:
                await body(NodeEngine(lab, engine, events))
            finally:
                await engine.aclose(Ending.ABRUPT)
                await running

    async def with_lab() -> None:
        async with Lab(topology) as lab:
            await asyncio.to_thread(inside, lab.namespace(NODE), lambda: asyncio.run(with_engine(lab)))

    asyncio.run(with_lab())
