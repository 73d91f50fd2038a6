"""Takes the orders of `herald withdraw` on a Unix socket of their own: the status socket only answers questions.

For root and the speaker's own user: the socket has mode 0600, and whoever connects is asked of the kernel (SO_PEERCRED) and
named in the log. One command a connection, answered when it holds.
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import assert_never

import msgspec

from speaker.by_hand.order import Order, Way, bounded, parse_about, word
from speaker.by_hand.witness import ByHand
from speaker.by_hand.words import SOCKET, Cancel, Command, List, OrderFact, Reply, Withdraw
from speaker.cluster import Cluster
from speaker.private_socket import bind_private

COMMAND_S = 2.0
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int

    @property
    def may_order(self) -> bool:
        return self.uid in {0, os.geteuid()}

    def __str__(self) -> str:
        return f"uid {self.uid}, pid {self.pid}"


@asynccontextmanager
async def taking_orders(by_hand: ByHand, cluster: Cluster) -> AsyncIterator[None]:
    """Takes them while the context lasts. Raises OSError when it cannot listen there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):  # it went away, or its line is endless
            async with asyncio.timeout(COMMAND_S):
                caller = _caller(writer.get_extra_info("socket"))
                reply = obey(by_hand, cluster, await reader.readline(), caller)
                writer.write(msgspec.json.encode(reply) + b"\n")
                await writer.drain()
        writer.close()

    path = by_hand.directory / SOCKET
    server = await asyncio.start_unix_server(serve, sock=bind_private(path))
    try:
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)


def obey(by_hand: ByHand, cluster: Cluster, line: bytes, caller: Caller) -> Reply:
    """Does what the line says, and says what holds now. The cluster is only asked."""
    problem = note = ""
    if not caller.may_order:
        return Reply(problem=f"only root and the speaker's own user may order, not uid {caller.uid}")
    try:
        note = _do(by_hand, cluster, msgspec.json.decode(line, type=Command), str(caller))
    except (ValueError, msgspec.MsgspecError) as error:
        problem = str(error)
    except OSError as error:
        note = f"it holds now, but a restart of the speaker would undo it: {error}"
    return Reply(problem=problem, note=note, orders=[_fact(order) for order in by_hand.in_force])


def _do(by_hand: ByHand, cluster: Cluster, command: Command, who: str) -> str:
    """What else there is to know. Raises ValueError and OSError as ByHand does."""
    match command:
        case Withdraw():
            about, ttl_s = parse_about(command.about), bounded(command.ttl_s)
            by_hand.give(Order.now(about, ttl_s, Way.COMMAND, who, command.reason))
            if about is None or cluster.claimants(about):
                return ""
            return f"it holds, but no Service on this node has {about} now: is that the VIP you meant?"
        case Cancel(about=about):
            if by_hand.cancel(parse_about(about), who):
                return ""
            raise ValueError(f"nothing was ordered about {about} by command; a line of the switch file is ended there")
        case List():
            return ""
        case _:
            assert_never(command)


def _fact(order: Order) -> OrderFact:
    return OrderFact(about=word(order.about), until=order.until_utc, who=order.who, way=order.way.value, reason=order.reason)


def _caller(connected: socket.socket) -> Caller:
    pid, uid, _ = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Caller(pid, uid)
