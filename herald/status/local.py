"""Asks the speaker of this node, by its socket."""

import asyncio
from pathlib import Path

import msgspec

from herald.kube.objects import ObjectKey
from herald.status.answer import Answer, NodeAnswer
from speaker.account import ServiceAccount
from speaker.status_socket import NAME, LocalHead

TIMEOUT_S = 10.0


async def ask(runtime_dir: Path, only: ObjectKey | None = None) -> Answer:
    """Raises OSError (TimeoutError is one), and ValueError for what is no answer."""
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(runtime_dir / NAME, limit=2**24)
        writer.write(f"{only or ''}\n".encode())
        head, *lines = (await reader.read()).splitlines()
        writer.close()
    said = msgspec.json.decode(head, type=LocalHead)
    services = tuple(msgspec.json.decode(line, type=ServiceAccount) for line in lines)
    node = NodeAnswer(node=said.node, bgp_node=said.bgp_node, sessions=said.sessions, services=services)
    return Answer(source=f"the speaker of {said.node}", nodes=(node,))
