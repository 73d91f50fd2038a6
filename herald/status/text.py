"""Tables and words for terminals. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum

GAP = "  "
FEW = 4


class Tone(Enum):
    """How a word is to be taken; the value is its ANSI colour."""

    PLAIN = ""
    GOOD = "32"
    BAD = "31"
    DOUBT = "33"
    HEAD = "1"
    FAINT = "2"


Cell = tuple[str, Tone] | str
Paint = Callable[[str, Tone], str]


def coloured(text: str, tone: Tone) -> str:
    return f"\033[{tone.value}m{text}\033[0m" if tone.value and text else text


def plain(text: str, tone: Tone) -> str:
    del tone
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], paint: Paint) -> list[str]:
    """Columns are as wide as what is in them; one in which nothing is, is left out."""
    cells = [[_split(cell) for cell in row] for row in rows]
    used = [n for n in range(len(head)) if any(row[n][0] for row in cells)]
    widths = {n: max(len(head[n]), *(len(row[n][0]) for row in cells)) for n in used}
    lines = [[(head[n], Tone.FAINT) for n in used], *([row[n] for n in used] for row in cells)]
    return ["  " + _line(line, [widths[n] for n in used], paint) for line in lines]


def _line(cells: Sequence[tuple[str, Tone]], widths: Sequence[int], paint: Paint) -> str:
    padded = [paint(text, tone) + " " * (width - len(text)) for (text, tone), width in zip(cells, widths, strict=True)]
    return GAP.join(padded).rstrip()


def _split(cell: Cell) -> tuple[str, Tone]:
    return (cell, Tone.PLAIN) if isinstance(cell, str) else cell


def some(names: Collection[str]) -> str:
    """All of few names, the first of many."""
    few = sorted(names)
    if len(few) <= FEW + 1:
        return " ".join(few)
    return f"{' '.join(few[:FEW])} and {len(few) - FEW} more"


def ago(then: datetime, now: datetime) -> str:
    """In the two largest units."""
    seconds = max(0, int((now - then) / timedelta(seconds=1)))
    units = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    first = next((n for n, (count, _) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count}{unit}" for count, unit in units[first : first + 2] if count) or "0s"
