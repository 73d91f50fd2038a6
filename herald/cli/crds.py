"""`herald crds`: the CustomResourceDefinitions of Herald's kinds, to be applied before its programs start."""

import argparse
import sys
from pathlib import Path
from typing import Any

from bgp_config.crd.text import files


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("crds", help="print the CustomResourceDefinitions, or write their files", description=__doc__)
    parser.add_argument("--output", type=Path, metavar="DIR", help="write one file for each kind here instead")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.output is None:
        print("---\n".join(files().values()), end="")
        return 0
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        for name, text in files().items():
            (args.output / name).write_text(text)
    except OSError as error:
        print(f"herald crds: {error}", file=sys.stderr)
        return 1
    return 0
