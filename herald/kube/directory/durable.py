"""Files that are there as a whole or not at all, also when the power fails. Readers never see half a file."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec


def replace(path: Path, value: msgspec.Struct) -> None:
    """Puts the value there as JSON. Hidden until it is complete. Raises OSError."""
    directory = path.parent
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        _sync_directory(directory.parent)
    content = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    temporary = directory / f".{path.name}.tmp"  # hidden: no reader looks at it
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_directory(directory)


def remove(path: Path) -> None:
    """Takes it away, if it is there. Raises OSError."""
    path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
