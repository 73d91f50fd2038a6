"""Reads all that decisions are made of, once: from an API server with the word of the speakers, or from files."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bgp_config.status.node import BGPNodeStatus
from bgp_config.status.session import BGPSessionStatus
from herald.kube.api import (
    BGP_NODES,
    BGP_SESSIONS,
    ApiClient,
    ApiSource,
    NotFoundError,
    Resource,
    UnreachableError,
    decode_answer,
)
from herald.kube.api.pages import list_pages
from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind, Metadata, ObjectKey
from herald.kube.source import Change, Changes, Source, Stale, Synced
from herald.status.answer import EventFact

KINDS = frozenset(Kind) - {Kind.SECRET}
"""Nobody needs the right to read Secrets to see a status."""
TIMEOUT_S = 15.0


class NotReadableError(Exception):
    """Not everything could be read; the text says what and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`speakers` and `sessions` are what speakers wrote; there are none in files (`live` False)."""

    source: str
    changes: tuple[Change, ...]
    live: bool = False
    speakers: Sequence[tuple[str, BGPNodeStatus]] = ()
    sessions: Sequence[BGPSessionStatus] = ()
    events: Sequence[EventFact] = ()
    problems: tuple[str, ...] = ()


class _Node(msgspec.Struct):
    metadata: Metadata
    status: BGPNodeStatus | None = None


class _Session(msgspec.Struct):
    metadata: Metadata
    status: BGPSessionStatus | None = None


class _Event(msgspec.Struct, rename="camel"):
    """core/v1; newer writers leave firstTimestamp out."""

    reason: str = ""
    message: str = ""
    event_time: str | None = None
    last_timestamp: str | None = None


class _Events(msgspec.Struct):
    items: list[_Event] = []


async def read_folder(manifests: Path, state: Path | None) -> World:
    """Raises NotReadableError."""
    source = DirectorySource(manifests, KINDS, status=state)
    changes = await _gather(source)
    return World(source=f"the files in {manifests}", changes=changes, problems=tuple(str(p) for p in source.problems))


async def read_cluster(client: ApiClient, about: ObjectKey | None = None) -> World:
    """With the Events about one Service. Raises NotReadableError, ApiError, UnreachableError."""
    source = ApiSource(client, KINDS)
    changes = await _gather(source)
    nodes = [decode_answer(raw, _Node) for raw in await _list(client, BGP_NODES)]
    sessions = [decode_answer(raw, _Session) for raw in await _list(client, BGP_SESSIONS)]
    return World(
        source="the API server",
        changes=changes,
        live=True,
        speakers=[(node.metadata.name, node.status) for node in nodes if node.status],
        sessions=[session.status for session in sessions if session.status],
        events=await _events(client, about) if about else (),
        problems=tuple(str(problem) for problem in source.problems),
    )


async def _gather(source: Source) -> tuple[Change, ...]:
    """Runs the source until it has said everything once."""
    changes, found, missing = Changes(), list[Change](), set(KINDS)
    running = asyncio.create_task(source.run(changes))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while missing:
                taken = await changes.take()
                found += taken
                missing -= {change.kind for change in taken if isinstance(change, Synced)}
                if failed := [change.why for change in taken if isinstance(change, Stale)]:
                    raise NotReadableError("; ".join(dict.fromkeys(failed)))  # a lost folder says the same for each kind
    except TimeoutError:
        raise NotReadableError(f"{', '.join(sorted(missing))}: not read within {TIMEOUT_S:g} s") from None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return tuple(found)


async def _list(client: ApiClient, resource: Resource) -> list[msgspec.Raw]:
    """None where the kind is not served."""
    try:
        return [raw async for page in list_pages(client, resource.collection(), ()) for _, raw in page.items]
    except NotFoundError:
        return []


async def _events(client: ApiClient, about: ObjectKey) -> tuple[EventFact, ...]:
    """Oldest first. Events are for people: where they cannot be read there are none."""
    selector = f"involvedObject.kind=Service,involvedObject.name={about.name}"
    path = f"/api/v1/namespaces/{about.namespace}/events"
    try:
        found = decode_answer(await client.get(path, [("fieldSelector", selector)]), _Events)
    except (NotFoundError, UnreachableError):
        return ()
    facts = [(each.event_time or each.last_timestamp, each) for each in found.items]
    return tuple(
        msgspec.convert({"at": at, "reason": each.reason, "note": each.message}, type=EventFact)
        for at, each in sorted(((at, each) for at, each in facts if at), key=lambda pair: pair[0])
    )
