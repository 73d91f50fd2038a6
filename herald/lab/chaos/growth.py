"""Whether a process's memory and open files grow: the most of the first window against the least of the latest. Pure.

Both go up and down with the work, such as sessions that come and go; what leaks is never given back. A process that was just
started fills its caches, and is not looked at during the warm-up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from herald.lab.chaos.observation import Invariant, Usage, Violation

MEMORY_GROWTH = 1.05
FILES_SLACK = 6
"""A session has some, and so has a connection to an API server."""


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
    before, after = max(usage.memory_bytes for usage in first), min(usage.memory_bytes for usage in last)
    if after > before * MEMORY_GROWTH:
        what = f"{process} had {before / 2**20:.1f} MiB, now {after / 2**20:.1f}"
        yield Violation(invariant=Invariant.MEMORY, what=what)
    files_before, files_after = max(usage.files for usage in first), min(usage.files for usage in last)
    if files_after > files_before + FILES_SLACK:
        yield Violation(invariant=Invariant.FILES, what=f"{process} had {files_before} files open, now {files_after}")
