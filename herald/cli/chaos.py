"""`herald lab chaos`: random faults on a lab of its own, the same for a seed, while what must always hold is watched."""

import argparse
import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from herald.cli.values import minutes
from herald.lab.chaos.play import BrokenError, Chaos
from herald.lab.chaos.schedule import schedule
from herald.lab.chaos.stage import chaos_lab
from herald.lab.command import LabError

BROKEN = 1
INTERRUPTED = 130


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("chaos", help="random faults, while what must always hold is watched", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same chaos (default: %(default)s)")
    parser.add_argument("--minutes", type=minutes, default=3.0, metavar="M", help="how long (default: %(default)g)")
    parser.add_argument("--kube", action="store_true", help="with a real API server (./run setup kube builds it)")
    parser.add_argument("--name", default=None, help="name of the lab (default: one that is free)")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep the logs of all programs here, by machine")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    try:
        asyncio.run(_play(args))
    except (LabError, BrokenError) as error:
        print(f"herald lab chaos: seed {args.seed}, {args.minutes:g} minutes: {error}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print("herald lab chaos: interrupted; everything is cleaned up", file=sys.stderr)
        return INTERRUPTED
    return 0


async def _play(args: argparse.Namespace) -> None:
    async with chaos_lab(kube=args.kube, name=args.name) as stage:
        faults = schedule(args.seed, args.minutes, stage.cast)
        print(f"seed {args.seed}: {len(faults)} faults in {args.minutes:g} minutes")
        chaos = Chaos(stage=stage)
        try:
            await chaos.play(faults, args.minutes * 60)
        finally:
            if args.logs:
                _keep_logs(stage.lab.directory, args.logs)
        print(f"all held: {len(faults)} faults, {chaos.looks} looks")


def _keep_logs(lab: Path, kept: Path) -> None:
    for log in lab.rglob("*.log"):
        to = kept / log.relative_to(lab)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, to)
