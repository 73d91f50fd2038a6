"""`herald undrain NODE`: bring the traffic of a drained node back, at once.

Ends the Drain object of the node's name. One that is about other nodes too is named, and left to you.
"""

import argparse
import asyncio
import sys
from typing import Any

from herald.cli.drain import FAILURES
from herald.cli.place import NotPossibleError, add_flags, place, require_node


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("undrain", help="bring the traffic of a drained node back", description=__doc__)
    parser.add_argument("node", metavar="NODE")
    add_flags(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    try:
        asyncio.run(_undrain(args))
    except FAILURES as error:
        print(f"herald undrain: {error}", file=sys.stderr)
        return 1
    return 0


async def _undrain(args: argparse.Namespace) -> None:
    node = args.node
    async with place(args) as where:
        await require_node(where, node)
        drains = await where.drains()
        own = next((each for each in drains if each.metadata.name == node and each.spec.get("nodes") == [node]), None)
        others = [each.metadata.name for each in drains if each is not own and _is_about(each.spec, each.status.nodes, node)]
        if own:
            await where.remove(own)
        if others:
            names = ", ".join(others)
            raise NotPossibleError(f"{node} stays drained by Drain {names}: end it, or take the node out of spec.nodes")
        print(f"{node}: its drain has ended" if own else f"{node}: no Drain is about it")


def _is_about(spec: dict[str, Any], said: list[Any], node: str) -> bool:
    return node in spec.get("nodes", ()) or any(each.node == node for each in said)
