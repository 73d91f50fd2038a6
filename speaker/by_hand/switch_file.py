"""The switch file: a line each for what is withdrawn, `VIP` or `all`, with a time such as 30m, or an hour. Pure.

    # whatever follows a # is a remark
    198.51.100.7 15m
    all

The time of all lines begins anew whenever the file is written; a line that is taken away, or a file that is gone, ends it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from speaker.by_hand.order import About, parse_about, parse_ttl

NAME: Final = "withdraw"
DEFAULT_TTL_S: Final = 3600.0
MAX_BYTES: Final = 65536
REMEDY: Final = "write a VIP or all, and perhaps a time such as 15m; the other lines hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What the file says; a line that says nothing is a problem and stops no other."""

    ttl_s: Mapping[About, float]
    problems: tuple[str, ...]


def parse(text: str) -> Switches:
    found: dict[About, float] = {}
    problems: list[str] = []
    for number, words in _lines(text):
        try:
            about, ttl_s = _line(words)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
        else:
            found[about] = ttl_s
    return Switches(ttl_s=found, problems=tuple(problems))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.partition("#")[0].split():
            yield number, words


def _line(words: list[str]) -> tuple[About, float]:
    match words:
        case [about]:
            return parse_about(about), DEFAULT_TTL_S
        case [about, ttl]:
            return parse_about(about), parse_ttl(ttl)
        case _:
            raise ValueError(f"it has more than two words: {' '.join(words)!r}")
