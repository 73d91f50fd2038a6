"""What leaks is told from what goes up and down."""

from collections.abc import Sequence

from herald.lab.chaos.growth import Windows, growth
from herald.lab.chaos.observation import Invariant, Usage

MIB = 2**20
WINDOWS = Windows(warm_up_s=60, window_s=30)


def life(memory: Sequence[float], files: Sequence[int] = ()) -> list[Usage]:
    """A look every two seconds; memory in MiB."""
    opened = files or [20] * len(memory)
    return [
        Usage(at=100 + 2.0 * n, memory_bytes=int(m * MIB), files=f)
        for n, (m, f) in enumerate(zip(memory, opened, strict=True))
    ]


def broken(usages: list[Usage]) -> list[Invariant]:
    return [violation.invariant for violation in growth("speaker", usages, WINDOWS)]


def test_what_fills_up_at_the_start_and_then_stays_is_no_growth() -> None:
    assert broken(life([40 + min(n, 30) for n in range(300)])) == []


def test_what_goes_up_and_down_is_no_growth() -> None:
    assert broken(life([60 + n % 10 for n in range(300)], [20 + n % 7 for n in range(300)])) == []


def test_a_leak_of_memory_shows_when_it_is_five_percent() -> None:
    assert broken(life([60 + n * 0.01 for n in range(200)])) == []
    assert broken(life([60 + n * 0.02 for n in range(300)])) == [Invariant.MEMORY]


def test_open_files_that_are_never_closed_show() -> None:
    assert broken(life([60] * 300, [20 + n // 20 for n in range(300)])) == [Invariant.FILES]


def test_a_young_process_is_not_judged() -> None:
    assert broken(life([60 + n for n in range(50)])) == []
    assert broken([]) == []
