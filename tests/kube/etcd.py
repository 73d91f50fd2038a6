"""The store of an API server, as its JSON gateway has it: for what no API server does when asked."""

import asyncio
import json
from urllib.request import Request, urlopen

from herald.lab.kube.api_server import ApiServer


async def compact(server: ApiServer) -> None:
    """All history is forgotten, as the server itself does every five minutes: whoever asks for it is told 410."""
    revision = (await _ask(server, "kv/range", {"key": "AA=="}))["header"]["revision"]
    await _ask(server, "kv/compaction", {"revision": revision, "physical": True})


async def _ask(server: ApiServer, path: str, question: dict[str, object]) -> dict[str, dict[str, str]]:
    request = Request(f"{server.etcd_url}/v3/{path}", json.dumps(question).encode())  # noqa: S310 -- http, our own

    def ask() -> dict[str, dict[str, str]]:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 -- as above
            found: dict[str, dict[str, str]] = json.load(answer)
            return found

    return await asyncio.to_thread(ask)
