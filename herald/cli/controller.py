"""`herald controller`: assigns VIPs to Services."""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from controller import daemon, replica
from controller.drain.grants import Limits
from controller.lease import Terms
from herald.cli.values import explained, keep_secrets_apart, seconds
from herald.kube.api import InCluster, KubeconfigFile
from herald.program import logs
from herald.program.http import Listen


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("controller", help="assign VIPs to Services", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="the Kubernetes API to use (default: the one that this pod is in)"
    )
    where.add_argument("--manifests", type=Path, metavar="DIR", help="read objects from these files, without a cluster")
    parser.add_argument("--state", type=Path, metavar="DIR", help="with --manifests: write the assigned VIPs here")
    parser.add_argument(
        "--secrets", type=Path, metavar="DIR", help="with --manifests: the speakers' Secrets, where they lie in there"
    )
    parser.add_argument(
        "--identity",
        default=os.environ.get("POD_NAME") or os.uname().nodename,
        metavar="NAME",
        help="this replica's name in the Lease: its pod's (default: $POD_NAME, else the host name)",
    )
    parser.add_argument(
        "--namespace",
        default=os.environ.get("POD_NAMESPACE") or "herald-system",
        metavar="NAME",
        help="where the Lease herald-controller is (default: $POD_NAMESPACE, else herald-system)",
    )
    parser.add_argument(
        "--lease-duration",
        type=seconds,
        default=Terms().duration_s,
        metavar="S",
        help="another replica takes over when the leader has been silent for so long (default: 15)",
    )
    parser.add_argument(
        "--load-balancer-class",
        default="herald-lb.io/bgp",
        metavar="CLASS",
        help="serve Services of this class and those that name none (default: herald-lb.io/bgp)",
    )
    parser.add_argument(
        "--max-concurrent-drains",
        type=_at_least_one,
        default=Limits().max_concurrent,
        metavar="N",
        help="so many nodes of one rack may be without traffic by Drain objects at the same time (default: 1)",
    )
    parser.add_argument(
        "--rack-label",
        default=Limits().rack_label,
        metavar="LABEL",
        help=f"the label of Nodes that names their rack (default: {Limits().rack_label}); nodes without it are one rack",
    )
    parser.add_argument(
        "--no-service-metrics",
        dest="service_metrics",
        action="store_false",
        help="do not export a series for each VIP (there may be many)",
    )
    parser.add_argument("--listen", type=explained(Listen.parse), default="127.0.0.1:7472", metavar="ADDR:PORT")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.set_defaults(run=_run, error=parser.error)


def _run(args: argparse.Namespace) -> int:
    keep_secrets_apart(args)
    logs.configure("controller", args.log_level)
    if (args.manifests is None) is not (args.state is None):
        args.error("--manifests and --state go together")
    try:
        asyncio.run(_program(args))
    except OSError as error:  # before the loops start: a directory that cannot be made, a port that is taken
        print(f"herald controller: {error}", file=sys.stderr)
        return 1
    return 0


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1, or no node could ever be drained")
    return number


def _program(args: argparse.Namespace) -> Coroutine[Any, Any, None]:
    drains = Limits(max_concurrent=args.max_concurrent_drains, rack_label=args.rack_label)
    if args.manifests:
        return daemon.run(
            daemon.Settings(
                manifests=args.manifests,
                state=args.state,
                secrets=args.secrets,
                load_balancer_class=args.load_balancer_class,
                listen=args.listen,
                service_metrics=args.service_metrics,
                drains=drains,
            )
        )
    return replica.run(
        replica.Settings(
            access=KubeconfigFile(path=args.kubeconfig) if args.kubeconfig else InCluster(),
            identity=args.identity,
            namespace=args.namespace,
            terms=Terms(args.lease_duration),
            load_balancer_class=args.load_balancer_class,
            listen=args.listen,
            service_metrics=args.service_metrics,
            drains=drains,
        )
    )
