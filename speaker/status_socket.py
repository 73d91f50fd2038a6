"""Answers `herald status --local` on a Unix socket: what this speaker does now. For the owner of the process only (0600).

A question is one line, NAMESPACE/NAME or nothing for all Services. The answer is JSON, a line each: first the node, then its
Services; after a single one, what the cluster says about it. It is made a few lines at a time, so that the loop's own work
goes on; it reads state and changes none. Who asks what is no question, or does not read, is disconnected.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bgp_config.names import PeerName
from bgp_config.status.node import BGPNodeStatus
from bgp_config.status.session import BGPSessionStatus
from herald.kube.objects import ObjectKey, Service
from speaker.about import AddressFact, EndpointFact, addresses, endpoints
from speaker.account import ChangeAccount, RouteAccount, ServiceAccount, Told, VIPAccount, accounts
from speaker.daemon import Speaker
from speaker.health.account import HealthFact, health
from speaker.private_socket import bind_private
from speaker.status import Moment

NAME = "status.sock"
QUESTION_S = 2.0
ANSWER_S = 30.0
CHUNK = 50
MAX_CHANGES = 20


class LocalFacts(Told, frozen=True, kw_only=True):
    """The last line, where one Service was asked for."""

    policy: str = ""
    addresses: tuple[AddressFact, ...] = ()
    endpoints: tuple[EndpointFact, ...] = ()
    health: tuple[HealthFact, ...] = ()


class LocalHead(Told, frozen=True, kw_only=True):
    """The first line: the statuses as they are written to BGPNode and BGPSessions; absent while the Node is not known."""

    node: str
    bgp_node: BGPNodeStatus | None = None
    sessions: tuple[BGPSessionStatus, ...] = ()


@asynccontextmanager
async def answering(speaker: Speaker, directory: Path, *, answer_s: float = ANSWER_S) -> AsyncIterator[None]:
    """Answers while the context lasts. Raises OSError when it cannot listen there."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):  # it went away, or its time is over
                question = await _question(reader)
                async with asyncio.timeout(answer_s):
                    if question is not None:
                        await _write(writer, speaker, question)
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    path = directory / NAME
    server = await asyncio.start_unix_server(answer, sock=bind_private(path))
    try:
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)


async def _question(reader: asyncio.StreamReader) -> str | None:
    """None: it is endless, or no text. Raises OSError, and TimeoutError for one that takes too long."""
    async with asyncio.timeout(QUESTION_S):
        try:
            return (await reader.readline()).decode().strip()
        except ValueError:
            return None


async def _write(writer: asyncio.StreamWriter, speaker: Speaker, question: str) -> None:
    lines = _lines(speaker, question)
    while some := list(islice(lines, CHUNK)):
        writer.write(b"".join(some))
        await writer.drain()
        await asyncio.sleep(0)


def _lines(speaker: Speaker, question: str) -> Iterator[bytes]:
    moment = Moment(monotonic=time.monotonic(), utc=datetime.now(UTC))
    namespace, _, name = question.rpartition("/")
    core = speaker.core
    keys: Iterable[ObjectKey] = [ObjectKey(namespace, name)] if question else sorted(core.decisions)
    yield _line(_head(speaker, moment))
    for each in accounts(core, keys):
        changes = _changes(speaker, ObjectKey(each.namespace, each.name), moment) if question else []
        vips = [_vip(speaker, each, vip, moment) for vip in each.vips]
        yield _line(msgspec.structs.replace(each, vips=vips, changes=changes))
    if question and (service := core.cluster.services.get(ObjectKey(namespace, name))):
        yield _line(_facts(speaker, service))


def _line(value: Any) -> bytes:  # noqa: ANN401 -- whatever msgspec encodes
    return msgspec.json.encode(value) + b"\n"


def _head(speaker: Speaker, moment: Moment) -> LocalHead:
    report, node = speaker.report(moment), speaker.core.cluster.node_name
    if report is None:
        return LocalHead(node=node)
    return LocalHead(node=node, bgp_node=report.bgp_node, sessions=tuple(report.sessions.values()))


def _facts(speaker: Speaker, service: Service) -> LocalFacts:
    cluster = speaker.core.cluster
    return LocalFacts(
        policy=service.spec.external_traffic_policy.value,
        addresses=tuple(addresses(cluster, service)),
        endpoints=tuple(endpoints(cluster, service.key)),
        health=tuple(health(speaker.witnesses.health, service.key)),
    )


def _vip(speaker: Speaker, service: ServiceAccount, vip: VIPAccount, moment: Moment) -> VIPAccount:
    """With what only this process knows."""
    admission = speaker.witnesses.admission
    waiting = admission.gate.waiting if admission else {}
    wanted = waiting.get((ObjectKey(service.namespace, service.name), ip_address(vip.vip)))
    routes = [_route(speaker, route) for route in vip.routes]
    waits_s = round(moment.monotonic - wanted.since, 3) if wanted else None
    return msgspec.structs.replace(vip, routes=routes, waits_s=waits_s)


def _route(speaker: Speaker, route: RouteAccount) -> RouteAccount:
    spec = speaker.core.peering.sessions.get(PeerName(route.peer))
    record = speaker.table.records.get(spec) if spec else None
    return msgspec.structs.replace(route, on_wire=record is not None and ip_network(route.prefix) in record.on_wire)


def _changes(speaker: Speaker, key: ObjectKey, moment: Moment) -> list[ChangeAccount]:
    happened = [each for each in speaker.history.of(key) if each.transition.vip is not None][-MAX_CHANGES:]
    return [
        ChangeAccount(
            at=moment.at(each.at),
            vip=str(each.transition.vip),
            state=each.transition.state.word,
            reason=each.transition.reason or "",
        )
        for each in happened
    ]
