"""`herald speaker`: announces VIPs from this node."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from bgp_config.names import NodeName
from herald.cli.values import explained, keep_secrets_apart, seconds
from herald.kube.api import ApiClient, ApiSource, InCluster, KubeconfigFile
from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind
from herald.program import logs
from herald.program.http import Listen
from speaker import data_path
from speaker.data_path import KubeProxy, NoGate
from speaker.exabgp.lock import AnotherSpeakerError
from speaker.program import FromApi, FromDirectory, Objects, run
from speaker.runtime_dir import RuntimeDirError
from speaker.settings import Settings


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("speaker", help="announce VIPs from this node", description=__doc__)
    parser.add_argument("--node-name", default=os.uname().nodename, help="this node's Node object (default: host name)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="the Kubernetes API to use (default: the one that this pod is in)"
    )
    where.add_argument("--manifests", type=Path, metavar="DIR", help="read objects from these files, without a cluster")
    parser.add_argument("--secrets", type=Path, metavar="DIR", help="with --manifests: Secrets are here, mode 0600")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="with --manifests: the VIPs that the controller assigned are here; without: those requested",
    )
    parser.add_argument(
        "--data-path",
        type=explained(data_path.parse),
        metavar="WHAT",
        help="wait until it has a VIP before announcing it: kube-proxy (default), a URL that answers 200, or none "
        "(default with --manifests)",
    )
    parser.add_argument(
        "--data-path-timeout", type=seconds, default=5.0, metavar="S", help="announce anyway after so long (default: 5)"
    )
    parser.add_argument(
        "--runtime-dir", type=Path, default=Path("/run/herald"), metavar="DIR", help="on tmpfs (default: /run/herald)"
    )
    parser.add_argument(
        "--sync-timeout",
        type=seconds,
        default=10.0,
        metavar="S",
        help="act on what the last speaker of this boot knew if not all is listed after so long (default: 10)",
    )
    parser.add_argument(
        "--max-stale",
        type=seconds,
        default=3600.0,
        metavar="S",
        help="least preferred once the API server or the folder was not heard for so long; 0: never (default: 3600)",
    )
    parser.add_argument(
        "--systemd-state",
        type=Path,
        metavar="DIR",
        help="the host's /run/systemd, read-only: when the host shuts down routes are withdrawn, not left for a restart",
    )
    parser.add_argument(
        "--bind-vips",
        nargs="?",
        const="herald",
        metavar="DEVICE",
        help="put VIPs on this device (default: herald, made if need be; lo where the kernel has no dummy devices)",
    )
    parser.add_argument(
        "--guard-pools",
        action="store_true",
        help="drop what comes in for a pool's address and nothing here takes, instead of sending it back to the router "
        "(needs CAP_NET_ADMIN)",
    )
    parser.add_argument("--load-balancer-class", default="herald-lb.io/bgp", metavar="CLASS")
    parser.add_argument("--ignore-exclude-label", action="store_true", help="announce from excluded nodes too")
    parser.add_argument(
        "--no-service-metrics",
        dest="service_metrics",
        action="store_false",
        help="do not export a series for each VIP (there may be many)",
    )
    parser.add_argument("--listen", type=explained(Listen.parse), default="127.0.0.1:7473", metavar="ADDR:PORT")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.set_defaults(run=_run, error=parser.error)


def _run(args: argparse.Namespace) -> int:
    keep_secrets_apart(args)
    logs.configure("speaker", args.log_level)
    settings = Settings(
        node_name=NodeName(args.node_name),
        runtime_dir=args.runtime_dir,
        load_balancer_class=args.load_balancer_class,
        bind_device=args.bind_vips,
        guard_pools=args.guard_pools,
        ignore_exclude_label=args.ignore_exclude_label,
        data_path=args.data_path or (NoGate() if args.manifests else KubeProxy()),
        data_path_timeout_s=args.data_path_timeout,
        sync_timeout_s=args.sync_timeout,
        max_stale_s=args.max_stale,
        systemd_state=args.systemd_state,
        service_metrics=args.service_metrics,
        grants_drains=args.manifests is not None and args.state is None,
    )
    try:
        asyncio.run(run(settings, _objects(args), args.listen))
    except (AnotherSpeakerError, RuntimeDirError) as error:
        print(f"herald speaker: {error}", file=sys.stderr)
        return 1
    return 0


def _objects(args: argparse.Namespace) -> Objects:
    if args.manifests:
        return FromDirectory(DirectorySource(args.manifests, frozenset(Kind), args.secrets, args.state))
    client = ApiClient(KubeconfigFile(path=args.kubeconfig) if args.kubeconfig else InCluster())
    return FromApi(client, ApiSource(client, frozenset(Kind), args.node_name))
