"""A Unix socket for the owner of the process and root only (mode 0600), from the moment it is there."""

import os
import socket
from pathlib import Path


def bind_private(path: Path) -> socket.socket:
    """Nobody else can have it open: only one speaker runs, and it is gone if this is left. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
    finally:
        os.umask(before)
    return made
