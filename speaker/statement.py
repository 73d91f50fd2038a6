"""What a speaker's witnesses know that BGPNode tells, beyond what its core has decided. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from speaker.bfd.report import BfdReport
from speaker.drain import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPathReport:
    """How the data path is. `answers` None: it was not asked yet."""

    kind: str
    answers: bool | None = None
    timeouts: int = 0
    last_sync: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`errors`: about what, the reason, the text. `progress`: how far the node is in what Drains ask for.

    `stale_since`: since when a kind may lag behind, by the monotonic clock, also in earlier lives of the speaker.
    """

    data_path: DataPathReport
    bfd: BfdReport = field(default_factory=BfdReport)
    progress: Progress = field(default_factory=Progress)
    errors: Sequence[tuple[str, str, str]] = ()
    stale_since: float | None = None
