"""The `herald` command: one word per program or tool."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

WORDS = ("controller", "speaker", "bfd", "status", "withdraw", "drain", "undrain", "crds", "lint", "metrics", "lab", "demo")
"""Each is a module of this package, with `add_parser`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one word; returns its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="herald", description=__doc__)
    parser.add_argument("--version", action="version", version=f"herald {version('herald-lb')}")
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    # A word does not wait for, nor keep in memory, what only the others need.
    for word in argv[:1] if argv and argv[0] in WORDS else WORDS:
        import_module(f"herald.cli.{word}").add_parser(words)
    args = parser.parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
