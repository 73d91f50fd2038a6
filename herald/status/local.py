"""Asks the speaker of this node, by its socket."""

import asyncio
from pathlib import Path

import msgspec

from herald.kube.objects import ObjectKey
from herald.status.answer import Answer, NodeAnswer, ServiceFact
from speaker.account import ServiceAccount
from speaker.status_socket import NAME, LocalFacts, LocalHead

TIMEOUT_S = 10.0


async def ask(runtime_dir: Path, only: ObjectKey | None = None) -> Answer:
    """Raises OSError (TimeoutError is one), and ValueError for what is no answer."""
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(runtime_dir / NAME, limit=2**24)
        try:
            writer.write(f"{only or ''}\n".encode())
            head, *lines = (await reader.read()).splitlines()
        finally:
            writer.close()
    said = msgspec.json.decode(head, type=LocalHead)
    facts = _facts(only, lines.pop()) if only and lines else ()
    services = tuple(msgspec.json.decode(line, type=ServiceAccount) for line in lines)
    node = NodeAnswer(node=said.node, bgp_node=said.bgp_node, sessions=said.sessions, services=services)
    return Answer(source=f"the speaker of {said.node}", nodes=(node,), services=facts)


def _facts(key: ObjectKey, line: bytes) -> tuple[ServiceFact]:
    said = msgspec.json.decode(line, type=LocalFacts)
    fact = ServiceFact(
        namespace=key.namespace,
        name=key.name,
        policy=said.policy,
        addresses=said.addresses,
        endpoints=said.endpoints,
        health=said.health,
    )
    return (fact,)
