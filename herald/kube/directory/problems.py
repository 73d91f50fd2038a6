"""What is wrong with the files of a directory source, named for the person who has to mend it.

A problem stands until what it is about is right again. Each is logged once when it appears and once when it is gone.
A message never holds a value out of a Secret.
"""

import logging
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("herald.kube.directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProblem:
    """One thing to mend. `document` counts from 1 within the file; None is the file as a whole, or a folder."""

    path: Path
    document: int | None = None
    message: str
    hint: str

    def __str__(self) -> str:
        place = f"{self.path} (document {self.document})" if self.document else str(self.path)
        return f"{place}: {self.message}; {self.hint}" if self.hint else f"{place}: {self.message}"


class Problems:
    """All problems that stand now, kept by what they are about: a file, a folder, an object."""

    def __init__(self) -> None:
        self._about: dict[Hashable, tuple[SourceProblem, ...]] = {}

    @property
    def all(self) -> tuple[SourceProblem, ...]:
        return tuple(problem for problems in self._about.values() for problem in problems)

    def put(self, about: Hashable, problems: Iterable[SourceProblem] = ()) -> None:
        """These are the problems of `about` now; none clears what was said before."""
        before, after = self._about.pop(about, ()), tuple(problems)
        if after:
            self._about[about] = after
        for problem in after:
            if problem not in before:
                log.warning("problem: %s", problem)
        for problem in before:
            if problem not in after:
                log.info("mended: %s", problem)
