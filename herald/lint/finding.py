"""One thing that is wrong with a manifest, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """A warning may be right: what it is about could lie elsewhere."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`document` and `line` count from 1 within the file. `object` as in BGPPeer/tor1, if it has a name."""

    file: str
    document: int | None = None
    line: int | None = None
    object: str = ""
    path: str = ""
    message: str
    hint: str
    severity: Severity = Severity.ERROR
