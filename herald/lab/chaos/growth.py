"""Whether a process's memory and open files grow: the least of the first window against the least of the latest. Pure.

The least, because both go up and down with the work; what leaks is never given back. A process that was just started fills
its caches, and is not looked at during the warm-up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from herald.lab.chaos.observation import Invariant, Usage, Violation

MEMORY_GROWTH = 1.05
FILES_GROWTH = 2
"""A session that is being replaced, a file that is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Times in seconds of a process's life."""

    warm_up_s: float = 60.0
    window_s: float = 30.0


def growth(process: str, usages: Sequence[Usage], windows: Windows) -> Iterator[Violation]:
    """`usages`: in their order, from the process's start."""
    if not usages:
        return
    first_from, last_from = usages[0].at + windows.warm_up_s, usages[-1].at - windows.window_s
    first = [usage for usage in usages if first_from <= usage.at < first_from + windows.window_s]
    last = [usage for usage in usages if usage.at > last_from]
    if not first or last_from < first_from + windows.window_s:
        return
    before, after = _least(first, _memory), _least(last, _memory)
    if after > before * MEMORY_GROWTH:
        what = f"{process} had {before / 2**20:.1f} MiB, now {after / 2**20:.1f}"
        yield Violation(invariant=Invariant.MEMORY, what=what)
    files_before, files_after = _least(first, _files), _least(last, _files)
    if files_after > files_before + FILES_GROWTH:
        yield Violation(invariant=Invariant.FILES, what=f"{process} had {files_before} files open, now {files_after}")


def _least(usages: Sequence[Usage], of: Callable[[Usage], int]) -> int:
    return min(of(usage) for usage in usages)


def _memory(usage: Usage) -> int:
    return usage.memory_bytes


def _files(usage: Usage) -> int:
    return usage.files
