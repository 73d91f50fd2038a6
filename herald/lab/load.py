"""The client: a steady stream of HTTP requests to VIPs, each on a new TCP connection, plus connections held open.

    python -m herald.lab.load --output FILE --vip ADDRESS ... [--rate R] [--source ADDRESS ...] [--held N]

Requests start at their time whatever became of those before (an open loop), so that an outage is seen in full length.
Writes one Result as JSON a line when a request ends. SIGTERM: starts no more, waits for those under way, ends with 0.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from herald.lab.endpoint import DEFAULT_PORT
from herald.lab.load_report import Connection, Outcome, Result

HELD_INTERVAL_S = 0.2
OK = 200
REASONS = {TimeoutError: "timed out", asyncio.IncompleteReadError: "closed by the other end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rate in new connections per second over all VIPs, which take turns, as do the source addresses of their family."""

    vips: Sequence[str]
    port: int
    rate: float
    sources: Sequence[str]
    held: int
    timeout_s: float

    def source_for(self, vip: str, turn: int) -> tuple[str, int] | None:
        family = [source for source in self.sources if (":" in source) == (":" in vip)]
        return (family[turn % len(family)], 0) if family else None


class Load:
    def __init__(self, plan: Plan, output: BinaryIO) -> None:
        self._plan = plan
        self._output = output
        self._ending = asyncio.Event()

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._ending.set)
        async with asyncio.TaskGroup() as requests:
            for number in range(self._plan.held):
                requests.create_task(self._hold(number))
            begin = time.monotonic()
            for turn in itertools.count():
                if await self._ended_within(begin + turn / self._plan.rate - time.monotonic()):
                    return
                requests.create_task(self._request(turn))

    async def _ended_within(self, seconds: float) -> bool:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    async def _request(self, turn: int) -> None:
        """One request on a connection of its own."""
        vip = self._plan.vips[turn % len(self._plan.vips)]
        begun, opened = time.monotonic(), None
        try:
            opened = await self._open(vip, turn // len(self._plan.vips))
            self._answered(begun, vip, Connection.NEW, await self._ask(*opened))
        except (OSError, EOFError) as error:
            self._broken(begun, vip, Connection.NEW, Outcome.RESET if opened else Outcome.FAILED, error)
        finally:
            if opened:
                opened[1].close()

    async def _hold(self, number: int) -> None:
        """One connection, asked again and again, opened again when it broke."""
        vip = self._plan.vips[number % len(self._plan.vips)]
        while not self._ending.is_set():
            begun, opened = time.monotonic(), None
            try:
                opened = await self._open(vip, number)
                while True:
                    begun = time.monotonic()
                    self._answered(begun, vip, Connection.HELD, await self._ask(*opened))
                    if await self._ended_within(HELD_INTERVAL_S):
                        break
            except (OSError, EOFError) as error:
                self._broken(begun, vip, Connection.HELD, Outcome.RESET if opened else Outcome.FAILED, error)
                await self._ended_within(HELD_INTERVAL_S)
            finally:
                if opened:
                    opened[1].close()

    async def _open(self, vip: str, turn: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(self._plan.timeout_s):
            source = self._plan.source_for(vip, turn)
            return await asyncio.open_connection(vip, self._plan.port, local_addr=source)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str]:
        """The answer's status and the node that gave it."""
        async with asyncio.timeout(self._plan.timeout_s):
            writer.write(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            return int(head.split()[1]), body["node"]

    def _answered(self, begun: float, vip: str, connection: Connection, answer: tuple[int, str]) -> None:
        status, node = answer
        outcome, why = (Outcome.ANSWERED, "") if status == OK else (Outcome.FAILED, f"HTTP {status}")
        self._write(
            Result(at=begun, took_s=_since(begun), vip=vip, outcome=outcome, connection=connection, node=node, why=why)
        )

    def _broken(self, begun: float, vip: str, connection: Connection, outcome: Outcome, error: Exception) -> None:
        took_s = _since(begun)
        self._write(Result(at=begun, took_s=took_s, vip=vip, outcome=outcome, connection=connection, why=_reason(error)))

    def _write(self, result: Result) -> None:
        self._output.write(msgspec.json.encode(result) + b"\n")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return REASONS.get(type(error), str(error))


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description="a steady stream of requests to VIPs")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--vip", action="append", required=True)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--held", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=1.0)
    arguments = parser.parse_args()
    plan = Plan(
        vips=arguments.vip,
        port=arguments.port,
        rate=arguments.rate,
        sources=arguments.source,
        held=arguments.held,
        timeout_s=arguments.timeout,
    )
    with arguments.output.open("wb", buffering=0) as output:
        asyncio.run(Load(plan, output).run())


if __name__ == "__main__":
    main()
