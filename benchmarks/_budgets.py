"""DESIGN.md's budgets, and how what was measured stands to them."""

from collections.abc import Iterable
from dataclasses import dataclass

from _changes import Measured
from _report import percentile, table

QUICK_SLACK = 10.0
"""A quick round runs beside all the other tests: what it fails for is an order of magnitude."""
MS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value and the most that it may be, both in the same unit."""

    of: str
    what: str
    measured: float
    budget: float
    unit: str

    def row(self) -> list[str]:
        is_met = "yes" if self.measured <= self.budget else "no"
        return [self.of, self.what, f"{self.budget:g} {self.unit}", f"{self.measured:.1f} {self.unit}", is_met]


def change_figures(of: str, measured: Measured, cold_start_s: float) -> list[Figure]:
    """What every benchmark of route changes is held to."""
    p99 = MS * percentile(measured.wire["withdraw"], 99)
    return [
        Figure(of=of, what="withdraw on the wire, p99", measured=p99, budget=15.0, unit="ms"),
        Figure(of=of, what="cold start", measured=cold_start_s, budget=8.0, unit="s"),
    ]


def median_figure(of: str, measured: Measured) -> Figure:
    """For changes that an API server tells; a directory is looked at a little later."""
    p50 = MS * percentile(measured.wire["withdraw"], 50)
    return Figure(of=of, what="withdraw on the wire, p50", measured=p50, budget=4.0, unit="ms")


def node_figures(of: str, memory_mib: float, idle_percent: float) -> list[Figure]:
    """What the speaker and its ExaBGPs may cost a node together."""
    megabytes = memory_mib * 1.048576
    return [
        Figure(of=of, what="memory of all processes", measured=megabytes, budget=300.0, unit="MB"),
        Figure(of=of, what="idle CPU of all processes", measured=idle_percent, budget=4.0, unit="% of a core"),
    ]


def judge(figures: Iterable[Figure], *, quick: bool) -> int:
    """Prints them. The exit code: a quick round fails when something takes ten times its budget."""
    figures = list(figures)
    print()
    print(table(["of", "what", "budget", "measured", "met"], [figure.row() for figure in figures]))
    far_off = [figure for figure in figures if figure.measured > QUICK_SLACK * figure.budget]
    for figure in far_off if quick else ():
        print(f"more than {QUICK_SLACK:g} times its budget: {figure.of}, {figure.what}")
    return int(quick and bool(far_off))
