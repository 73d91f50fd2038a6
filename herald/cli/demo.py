"""`herald demo`: Herald at work on a rack in network namespaces, no cluster needed; with --kube on a real API server."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from herald.lab.command import LabError
from herald.lab.demo import show
from herald.lab.demo.figures import Figures
from herald.lab.demo.play import play
from herald.lab.demo.stage import Cluster

TIME_LIMIT_S = 240
INTERRUPTED = 130


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("demo", help="show Herald at work on a rack of this machine", description=__doc__)
    parser.add_argument(
        "--kube",
        dest="cluster",
        action="store_const",
        const=Cluster.KUBERNETES,
        default=Cluster.FOLDER,
        help="with a real API server and kube-proxies (./run demo --kube builds them first)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--name", default="demo", help="name of the lab, for two demos side by side (default: demo)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    figures = Figures(vips=[], next_hops={})
    try:
        with show.choose() as screen:
            asyncio.run(_until_told(screen, figures, args.name, args.cluster))
    except (LabError, TimeoutError) as error:
        print(f"herald demo: {error or f'not finished within {TIME_LIMIT_S} s'}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("herald demo: interrupted; everything is cleaned up", file=sys.stderr)
        return INTERRUPTED
    finally:
        if args.json:
            args.json.write_bytes(figures.encode())
    return 0


async def _until_told(screen: show.Show, figures: Figures, name: str, cluster: Cluster) -> None:
    """SIGTERM ends it as Ctrl-C does, also where a shell has it ignore the latter: what was raised is taken down."""
    if playing := asyncio.current_task():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    async with asyncio.timeout(TIME_LIMIT_S):
        await play(screen, figures, name, cluster)
