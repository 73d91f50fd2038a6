"""A program that owns an engine with one session and one route, to be stopped or killed.

Its arguments: a directory, the local and the peer's address. It prints "in sync" once the route is on the wire.
"""

import asyncio
import sys
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

from bgp_config.names import ASN, Family
from speaker.exabgp.engine import ExaBgpEngine
from speaker.exabgp.lock import SpeakerLock
from speaker.route import PathAttributes
from speaker.session import InSync, SessionEvent, SessionSpec


def on_event(event: SessionEvent) -> None:
    if isinstance(event, InSync):
        print("in sync", flush=True)  # noqa: T201


async def main(directory: str, local: str, peer: str) -> None:
    spec = SessionSpec(
        peer_address=ip_address(peer),
        peer_port=179,
        peer_asn=ASN(65001),
        local_address=ip_address(local),
        local_asn=ASN(64512),
        router_id=IPv4Address("10.0.255.1"),
        hold_time_s=90,
        families=frozenset({Family.IPV4}),
    )
    engine = ExaBgpEngine(directory=Path(directory), on_event=on_event)
    attributes = PathAttributes(next_hop=spec.local_address, as_path=(spec.local_asn,))
    engine.open(spec, {ip_network("198.51.100.1/32"): attributes})
    with SpeakerLock():
        await engine.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
