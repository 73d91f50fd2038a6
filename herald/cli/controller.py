"""`herald controller`: assigns VIPs to Services."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from controller.daemon import Settings, run
from herald.program import logs
from herald.program.http import Listen


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("controller", help="assign VIPs to Services", description=__doc__)
    parser.add_argument("--manifests", type=Path, required=True, metavar="DIR", help="read objects from these files")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="write the assigned VIPs here")
    parser.add_argument("--secrets", type=Path, metavar="DIR", help="the speakers' Secrets, where they lie in --manifests")
    parser.add_argument(
        "--load-balancer-class",
        default="herald-lb.io/bgp",
        metavar="CLASS",
        help="serve Services of this class and those that name none (default: herald-lb.io/bgp)",
    )
    parser.add_argument("--listen", type=Listen.parse, default="127.0.0.1:7472", metavar="ADDR:PORT")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    logs.configure("controller", args.log_level)
    settings = Settings(
        manifests=args.manifests,
        state=args.state,
        secrets=args.secrets,
        load_balancer_class=args.load_balancer_class,
        listen=args.listen,
    )
    try:
        asyncio.run(run(settings))
    except OSError as error:  # before the loops start: a directory that cannot be made, a port that is taken
        print(f"herald controller: {error}", file=sys.stderr)
        return 1
    return 0
