"""`herald speaker`: announces VIPs from this node."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from bgp_config.names import NodeName
from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind
from herald.program import logs
from herald.program.http import Listen
from speaker.daemon import Settings
from speaker.exabgp.lock import AnotherSpeakerError
from speaker.program import run


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("speaker", help="announce VIPs from this node", description=__doc__)
    parser.add_argument("--node-name", default=os.uname().nodename, help="this node's Node object (default: host name)")
    parser.add_argument("--manifests", type=Path, required=True, metavar="DIR", help="read objects from these files")
    parser.add_argument("--secrets", type=Path, metavar="DIR", help="read Secrets from these files, mode 0600")
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="read the VIPs that the controller assigned; without: those requested"
    )
    parser.add_argument(
        "--runtime-dir", type=Path, default=Path("/run/herald"), metavar="DIR", help="on tmpfs (default: /run/herald)"
    )
    parser.add_argument(
        "--bind-vips",
        nargs="?",
        const="herald",
        metavar="DEVICE",
        help="put VIPs on this device (default: herald, made if need be; lo where the kernel has no dummy devices)",
    )
    parser.add_argument("--load-balancer-class", default="herald-lb.io/bgp", metavar="CLASS")
    parser.add_argument("--ignore-exclude-label", action="store_true", help="announce from excluded nodes too")
    parser.add_argument("--listen", type=Listen.parse, default="127.0.0.1:7473", metavar="ADDR:PORT")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    logs.configure("speaker", args.log_level)
    settings = Settings(
        node_name=NodeName(args.node_name),
        runtime_dir=args.runtime_dir,
        load_balancer_class=args.load_balancer_class,
        bind_device=args.bind_vips,
        ignore_exclude_label=args.ignore_exclude_label,
    )
    source = DirectorySource(args.manifests, frozenset(Kind), args.secrets, args.state)
    try:
        asyncio.run(run(settings, source, args.listen))
    except AnotherSpeakerError as error:
        print(f"herald speaker: {error}", file=sys.stderr)
        return 1
    return 0
