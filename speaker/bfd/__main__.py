"""The program by itself: `python -m speaker.bfd RUNTIME_DIR LOG_LEVEL`. `herald bfd` becomes it (see there)."""

import sys
from pathlib import Path

from herald.program import logs
from speaker.bfd.program import AnotherBfdError, BfdProgram


def main() -> int:
    directory, level = sys.argv[1:]
    logs.configure("bfd", level)
    try:
        BfdProgram(Path(directory)).run()
    except AnotherBfdError as error:
        print(f"herald bfd: {error}", file=sys.stderr)  # noqa: T201 -- the last word of a program that did not start
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
