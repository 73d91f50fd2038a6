"""`herald drain NODE`: take a node's traffic away before it is worked on. `herald undrain NODE` brings it back.

The node is announced as the least preferred for a while, so that new connections go elsewhere, then not at all. The
controller grants it: not while another node of the rack is drained, nor where nobody else announces some VIP. Pods stay;
this is no `kubectl drain`, which comes after it.
"""

import argparse
import asyncio
import sys
import time
from datetime import datetime
from typing import Any

from bgp_config.kind import ConfigKind
from bgp_config.parse import Refused, UnknownFields, parse
from bgp_config.status.drain import DrainedNode, Phase
from herald.cli.place import NotPossibleError, Place, add_flags, place, require_node
from herald.cli.values import seconds
from herald.kube.api import ApiError, UnreachableError
from herald.kube.api.decode import UndecodableError
from herald.kube.objects import ConfigManifest
from herald.status.world import NotReadableError

LOOK_S = 0.5
FAILURES = (ApiError, UnreachableError, UndecodableError, NotReadableError, NotPossibleError, OSError)


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser(
        "drain",
        help="take a node's traffic away before it is worked on",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("node", metavar="NODE", help="the node; the Drain object has its name")
    parser.add_argument("--seconds", type=int, metavar="N", help="least preferred for so long, then withdrawn (default: 30)")
    parser.add_argument("--until", metavar="TIME", help="ends by itself then: UTC, as in 2027-01-31T18:00:00Z")
    parser.add_argument("--reason", metavar="TEXT", help="for people")
    parser.add_argument("--force", action="store_true", help="also if nobody else announces some VIP")
    parser.add_argument("--wait", action="store_true", help="return when the node is drained, and say what it waits for")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="with --wait: give up after so long (default: never)")
    add_flags(parser)
    parser.set_defaults(run=_run, error=parser.error)


def _run(args: argparse.Namespace) -> int:
    if args.wait and args.manifests and not args.state:
        args.error("--wait needs --state with --manifests: there the controller says how far the node is")
    try:
        asyncio.run(_drain(args))
    except FAILURES as error:
        print(f"herald drain: {error}", file=sys.stderr)
        return 1
    return 0


async def _drain(args: argparse.Namespace) -> None:
    async with place(args) as where:
        await require_node(where, args.node)
        before = await _own(where, args.node)
        if before and before.spec.get("nodes") != [args.node]:
            raise NotPossibleError(f"Drain {args.node} is about other nodes too: edit or delete it, or name the node there")
        spec = _spec(args, before)
        match parse(ConfigKind.DRAIN, args.node, spec, UnknownFields.ERROR):
            case Refused(problems=problems):
                raise NotPossibleError("; ".join(f"{problem}" for problem in problems))
        await where.put(args.node, spec)
        if args.wait:
            await _wait(where, args.node, args.timeout)
        else:
            print(f"{args.node}: asked for; --wait follows it, and herald undrain {args.node} ends it")


def _spec(args: argparse.Namespace, before: ConfigManifest | None) -> dict[str, Any]:
    """What is not said again stays as it was, but for a time that is over."""
    said = {"drainSeconds": args.seconds, "until": args.until, "reason": args.reason, "force": args.force or None}
    kept = dict(before.spec) if before else {}
    if _is_over(kept.get("until")):
        del kept["until"]
    return {**kept, "nodes": [args.node], **{field: value for field, value in said.items() if value is not None}}


async def _own(where: Place, name: str) -> ConfigManifest | None:
    return next((drain for drain in await where.drains() if drain.metadata.name == name), None)


async def _wait(where: Place, node: str, timeout_s: float | None) -> None:
    """Returns when it is drained; prints each turn of events. Raises NotPossibleError when that will not come."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    said = ""
    while True:
        drain = await _own(where, node)
        if drain is None:
            raise NotPossibleError(f"Drain {node} is gone: somebody has ended it")
        _refuse_if_over(drain)
        found = next((each for each in drain.status.nodes if each.node == node), None)
        if found and said != (said := _said(found)):
            print(said, flush=True)
        if found and found.phase is Phase.DRAINED:
            return
        if deadline and time.monotonic() > deadline:
            raise NotPossibleError(f"not within {timeout_s:g} s; it goes on, and herald undrain {node} ends it")
        await asyncio.sleep(LOOK_S)


def _said(found: DrainedNode) -> str:
    why = f" ({found.reason}): {found.message}" if found.reason else ""
    return f"{found.node}: {found.phase.value}{why}"


def _refuse_if_over(drain: ConfigManifest) -> None:
    until = drain.spec.get("until")
    if _is_over(until):
        raise NotPossibleError(f"its time was over at {until}: give another --until")


def _is_over(until: object) -> bool:
    return isinstance(until, str) and datetime.fromisoformat(until).timestamp() <= time.time()
