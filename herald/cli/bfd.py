"""`herald bfd`: keeps this node's BFD sessions, for the speaker."""

import argparse
import sys
from pathlib import Path
from typing import Any

from herald.program import logs
from speaker.bfd.program import AnotherBfdError, BfdProgram
from speaker.runtime_dir import RuntimeDirError


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("bfd", help="keep this node's BFD sessions, for the speaker", description=__doc__)
    parser.add_argument(
        "--runtime-dir", type=Path, default=Path("/run/herald"), metavar="DIR", help="on tmpfs (default: /run/herald)"
    )
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    logs.configure("bfd", args.log_level)
    try:
        BfdProgram(args.runtime_dir).run()
    except (AnotherBfdError, RuntimeDirError) as error:
        print(f"herald bfd: {error}", file=sys.stderr)
        return 1
    return 0
