"""The `herald` command: one word per program or tool."""

import argparse
import sys
from collections.abc import Sequence

from herald.cli import controller, crds, demo, lab, lint, speaker


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one word; returns its exit code."""
    parser = argparse.ArgumentParser(prog="herald", description=__doc__)
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word in (controller, speaker, crds, lint, lab, demo):
        word.add_parser(words)
    args = parser.parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
