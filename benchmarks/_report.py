"""What every benchmark prints beside its table: the machine and the versions; and percentiles."""

import os
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from importlib.metadata import version


def environment() -> str:
    """One line for the head of a table."""
    system = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    return f"{system}, ExaBGP {version('exabgp')}"


def scale(parser: ArgumentParser) -> Namespace:
    """The command line, with the flags that the benchmarks of route changes share."""
    parser.add_argument("--vips", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument(
        "--quick", action="store_true", help="10 and 100 VIPs, 20 events: shows that it works, measures little"
    )
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.vips, arguments.events = [10, 100], 20
    return arguments


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent) // 100) - 1)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """As Markdown, so that it can be pasted into the documentation."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
