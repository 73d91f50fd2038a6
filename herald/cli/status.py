"""`herald status`: which nodes announce which VIPs, and why others do not.

  herald status                      all nodes, sessions and VIPs
  herald status svc NAMESPACE/NAME   the whole story of one Service
  herald status --local              of this node alone, from its running speaker
  herald status --node               what this node's kernel lacks, and who else speaks BGP here

Without --local the speakers' own code decides again, for every node, on what the API server (or --manifests) says.
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec

from herald.cli.access import access
from herald.cli.values import explained
from herald.kube.api import ApiClient, ApiError, UnreachableError
from herald.kube.objects import ObjectKey
from herald.status import explain, local, preflight, show
from herald.status.answer import Answer
from herald.status.decided import MOST_DECISIONS, decide
from herald.status.preflight import Verdict
from herald.status.text import coloured, plain
from herald.status.world import NotReadableError, read_cluster, read_folder

SERVICE = "svc"
ANY_CLIENT = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): what only a default route leads to."""

UNSAID = logging.NullHandler()
"""For what sources log: the answer says it already."""


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser(
        "status",
        help="say which nodes announce which VIPs, and why others do not",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("about", nargs="*", metavar="svc NAMESPACE/NAME", help="tell one Service's whole story")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--kubeconfig", type=Path, metavar="FILE", help="(default: $KUBECONFIG, ~/.kube/config, the pod's)")
    where.add_argument("--manifests", type=Path, metavar="DIR", help="decide on these files, without a cluster")
    where.add_argument("--local", action="store_true", help="ask the speaker that runs on this node")
    where.add_argument("--node", action="store_true", help="check this node")
    parser.add_argument("--state", type=Path, metavar="DIR", help="with --manifests: the assigned VIPs are here")
    parser.add_argument(
        "--runtime-dir", type=Path, default=Path("/run/herald"), metavar="DIR", help="with --local: the speaker's"
    )
    parser.add_argument(
        "--client",
        type=explained(ip_address),
        action="append",
        metavar="ADDR",
        help="with --node: is there a route back to this client? (default: to anybody)",
    )
    parser.add_argument("--all", action="store_true", help="decide about all Services, however many there are")
    parser.add_argument("--load-balancer-class", default="herald-lb.io/bgp", metavar="CLASS")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    parser.set_defaults(run=_run, error=parser.error)


def _run(args: argparse.Namespace) -> int:
    logging.getLogger("herald").addHandler(UNSAID)
    try:
        only = _service(args.about)
        return _preflight(args) if args.node else _status(args, only)
    except (ApiError, UnreachableError, NotReadableError, OSError, ValueError) as error:
        print(f"herald status: {_said(error, args)}", file=sys.stderr)
        return 1


def _service(about: list[str]) -> ObjectKey | None:
    match about:
        case []:
            return None
        case [word, name] if word == SERVICE:
            namespace, _, name = name.rpartition("/")
            return ObjectKey(namespace or "default", name)
        case _:
            raise ValueError(f"say nothing, or {SERVICE} NAMESPACE/NAME: {' '.join(about)!r}")


def _said(error: Exception, args: argparse.Namespace) -> str:
    if args.local and isinstance(error, OSError):
        return f"no speaker answers in {args.runtime_dir} ({error.strerror or 'no answer in time'}): does one run here?"
    return str(error)


def _status(args: argparse.Namespace, only: ObjectKey | None) -> int:
    gc.disable()  # it ends soon, and looking for garbage among so many objects would take a third of the time
    now = datetime.now(UTC)
    answer = asyncio.run(_ask(args, only, now))
    if only and not answer.services and not any(node.services for node in answer.nodes):
        raise ValueError(f"there is no Service {only} of type LoadBalancer in {answer.source}")
    if args.output == "json":
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
        return 0
    paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else plain
    print(explain.story(answer, now, paint) if only else show.overview(answer, now, paint), end="")
    return 0


async def _ask(args: argparse.Namespace, only: ObjectKey | None, now: datetime) -> Answer:
    if args.local:
        return await local.ask(args.runtime_dir, only)
    if args.manifests:
        return decide(await read_folder(args.manifests, args.state), args.load_balancer_class, now, only)
    async with ApiClient(access(args.kubeconfig)) as client:
        world = await read_cluster(client, only)
    return decide(world, args.load_balancer_class, now, only, most=sys.maxsize if args.all else MOST_DECISIONS)


def _preflight(args: argparse.Namespace) -> int:
    """Exit code 1 if something is wrong for certain."""
    checks = list(preflight.judge(preflight.look(args.client or [ip_address(ANY_CLIENT)])))
    if args.output == "json":
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(checks), indent=2) + b"\n")
    else:
        paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else plain
        print(preflight.show(checks, paint), end="")
    return int(any(check.verdict is Verdict.FAIL for check in checks))
