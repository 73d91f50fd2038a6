"""What a person sees of the demo: a live table in a terminal, plain lines in a pipe."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from herald.lab.demo.figures import Event
from herald.lab.demo.scenes import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class VipRow:
    """One VIP: the nodes that each ToR's kernel sends its traffic to, and how often each node answered the client."""

    service: str
    vip: str
    next_hops: Mapping[str, Sequence[str]]
    answered: Mapping[str, int]
    failed: int


class Show(Protocol):
    """Where the demo says what happens."""

    def say(self, text: str) -> None: ...
    def table(self, rows: Sequence[VipRow]) -> None: ...
    def event(self, scene: Scene, event: Event) -> None: ...
    def live(self, rows: Sequence[VipRow]) -> None: ...


class Lines:
    """One line per thing that happens, for a pipe or a file."""

    def say(self, text: str) -> None:
        print(text, flush=True)

    def table(self, rows: Sequence[VipRow]) -> None:
        for row in rows:
            hops = "; ".join(f"{tor} -> {','.join(nodes)}" for tor, nodes in row.next_hops.items())
            self.say(f"{row.service}  VIP {row.vip}  {hops}  answered by {_counts(row.answered)}")

    def event(self, scene: Scene, event: Event) -> None:
        self.say(f"{scene.title}: {_outcome(scene, event)}")

    def live(self, rows: Sequence[VipRow]) -> None:
        """A pipe has no present."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass


class Screen:
    """Everything said scrolls; below it stands the table of now."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def say(self, text: str) -> None:
        self._live.console.print(text, highlight=False)

    def table(self, rows: Sequence[VipRow]) -> None:
        self.live(rows)

    def event(self, scene: Scene, event: Event) -> None:
        colour = "green" if event.failed == 0 else "yellow"
        self._live.console.print(f"[bold]{scene.title}[/]: [{colour}]{_outcome(scene, event)}[/]", highlight=False)

    def live(self, rows: Sequence[VipRow]) -> None:
        tors = list(rows[0].next_hops) if rows else []
        table = Table("Service", "VIP", *(f"{tor} sends to" for tor in tors), "answered in the last 2 s", "failed")
        for row in rows:
            hops = (" ".join(row.next_hops[tor]) or "-" for tor in tors)
            failed = f"[red]{row.failed}[/]" if row.failed else "0"
            table.add_row(row.service, row.vip, *hops, _counts(row.answered), failed)
        self._live.update(Group("", table), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()


def choose() -> AbstractContextManager[Show]:
    """The one that fits where stdout goes."""
    console = Console()
    return Screen(console) if console.is_terminal else Lines()


def _counts(answered: Mapping[str, int]) -> str:
    return " ".join(f"{node}:{count}" for node, count in answered.items()) or "nobody"


def _outcome(scene: Scene, event: Event) -> str:
    reset = f", {event.reset} reset" if event.reset else ""
    note = f" ({scene.note})" if scene.note else ""
    outage = f" within {_time(event.outage_s)}" if event.failed > 1 else ""
    return f"{_change(event)}{note}; {event.failed} of {event.requests} new connections failed{outage}{reset}"


def _change(event: Event) -> str:
    return "no route changed" if event.route_change_s is None else f"ToR kernels changed after {_time(event.route_change_s)}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
