"""`herald withdraw`: break-glass. Withdraws a VIP, or all, from this node for a time, without the Kubernetes API.

  herald withdraw --local 198.51.100.7 --ttl 15m --reason "incident 42"
  herald withdraw --local --all --ttl 1h
  herald withdraw --local --list
  herald withdraw --local --cancel 198.51.100.7

It speaks to the speaker that runs on this node, and ends by itself after --ttl. A speaker that is restarted goes on with it.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from herald.cli.values import explained
from herald.status.text import ago, plain, table
from speaker.by_hand.order import ALL, parse_about, parse_ttl, word
from speaker.by_hand.words import SOCKET, Cancel, Command, List, OrderFact, Reply, Withdraw

TIMEOUT_S = 10.0
EXAMPLE = "198.51.100.7"
HEAD = ("WITHDRAWN", "UNTIL", "LEFT", "BY", "HOW", "REASON")


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser(
        "withdraw",
        help="break-glass: withdraw VIPs from this node for a time, without the API",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--local", action="store_true", required=True, help="from this node: there is no other way")
    parser.add_argument("vip", nargs="?", type=explained(_about), metavar="VIP", help="withdraw this one")
    parser.add_argument("--all", action="store_true", help="withdraw all that this node announces")
    parser.add_argument("--ttl", type=explained(parse_ttl), metavar="T", help="for so long: 90s, 15m, 2h; 24h at most")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the log, and for those who look")
    parser.add_argument("--list", action="store_true", help="only show what is withdrawn by hand")
    parser.add_argument("--cancel", action="store_true", help="end it before its time")
    parser.add_argument(
        "--runtime-dir", type=Path, default=Path("/run/herald"), metavar="DIR", help="the speaker's (default: /run/herald)"
    )
    parser.set_defaults(run=_run, error=parser.error)


def _about(text: str) -> str:
    try:
        return word(parse_about(text))
    except ValueError:
        raise ValueError(f"{text!r} is no VIP such as {EXAMPLE}; for all of this node say --all") from None


def _run(args: argparse.Namespace) -> int:
    command = _command(args)
    try:
        reply = asyncio.run(_order(args.runtime_dir / SOCKET, command))
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        why = getattr(error, "strerror", None) or str(error) or "no answer in time"
        print(f"herald withdraw: no speaker takes orders in {args.runtime_dir} ({why}): does one run here?", file=sys.stderr)
        return 1
    if reply.problem:
        print(f"herald withdraw: {reply.problem}", file=sys.stderr)
        return 1
    if reply.note:
        print(f"herald withdraw: {reply.note}", file=sys.stderr)
    print(_show(reply, datetime.now(UTC)))
    return 0


def _command(args: argparse.Namespace) -> Command:
    """Ends the program where the words do not fit together."""
    about = ALL if args.all else args.vip
    if args.list and not (about or args.cancel or args.ttl):
        return List()
    if args.list or about is None or (args.all and args.vip not in {None, ALL}):
        args.error("say one of: VIP --ttl T, --all --ttl T, --cancel VIP, --cancel --all, --list")
    if args.cancel:
        return Cancel(about=about)
    if args.ttl is None:
        args.error("--ttl is needed: a withdrawal by hand ends by itself")
    return Withdraw(about=about, ttl_s=args.ttl, reason=args.reason)


async def _order(path: Path, command: Command) -> Reply:
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(path, limit=2**20)
        try:
            writer.write(msgspec.json.encode(command) + b"\n")
            return msgspec.json.decode(await reader.readline(), type=Reply)
        finally:
            writer.close()


def _show(reply: Reply, now: datetime) -> str:
    if not reply.orders:
        return "Nothing is withdrawn by hand on this node."
    return "\n".join(table(HEAD, [_row(each, now) for each in reply.orders], plain))


def _row(order: OrderFact, now: datetime) -> list[str]:
    return [order.about, f"{order.until:%H:%M:%S}Z", ago(now, order.until), order.who, order.way, order.reason]
