"""Logs on stderr, one line per transition: JSON for machines, plain text when stderr is a terminal.

    log = logging.getLogger(__name__)
    log.info("assigned", extra=fields(service=key, vips=vips))

The message is a fixed word or sentence; what varies goes into fields, so that lines can be counted and filtered. Fields of
types that JSON does not know are written as str() says. Secrets are never given as fields.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO

import msgspec

PACKAGES = ("bgp_config", "controller", "herald", "speaker")
Fields = Mapping[str, object]


def fields(**values: object) -> dict[str, Fields]:
    """The `extra` argument of a logging call."""
    return {"fields": values}


def configure(program: str, level: str = "info", stream: IO[str] | None = None) -> None:
    """Send all logs of this process to `stream` (stderr). Replaces what was configured before.

    `level`, in upper or lower case, is for Herald's own lines; libraries speak from warning on.
    """
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if stream.isatty() else JSONFormatter(program))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level.upper())


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, program, logger, message, then the fields."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "program": self._program,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: _plain(value) for name, value in _fields_of(record).items() if name not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class TextFormatter(logging.Formatter):
    """For a terminal: local time, level, message, name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's own name
        words = [super().formatMessage(record), *(f"{name}={_text(value)}" for name, value in _fields_of(record).items())]
        return " ".join(words)


def _fields_of(record: logging.LogRecord) -> Fields:
    found: Fields = getattr(record, "fields", {})
    return found


def _plain(value: object) -> object:
    """A value of JSON. A named tuple, such as an ObjectKey, is one value and not a list."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        return [_plain(item) for item in value]
    return str(value)


def _text(value: object) -> str:
    plain = _plain(value)
    return ",".join(str(item) for item in plain) if isinstance(plain, list) else str(plain)
