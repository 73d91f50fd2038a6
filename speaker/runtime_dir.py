"""The directory of --runtime-dir, which a node's speaker and BFD program share: it is there before either uses it."""

import logging
import os
from pathlib import Path
from typing import Final

from herald.program.logs import fields

DIRECTORY_MODE: Final = 0o700

log = logging.getLogger(__name__)


class RuntimeDirError(Exception):
    """The user's error: the directory is of no use. The text names the flag, and says what to do."""


def prepare(directory: Path) -> None:
    """Makes it where it is not there, as after a boot, for its owner only. Raises RuntimeDirError."""
    try:
        if not directory.is_dir():
            directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)  # the other program may have been faster
            log.info("the runtime directory is made", extra=fields(directory=directory))
    except FileExistsError:
        raise _error(directory, "a file has its name") from None
    except OSError as error:
        raise _error(directory, f"it cannot be made or reached ({error.strerror})") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _error(directory, "this user may not write there")


def _error(directory: Path, why: str) -> RuntimeDirError:
    return RuntimeDirError(
        f"--runtime-dir {directory}: {why}. "
        "Make a directory on tmpfs, mode 0700, of the speaker's user, and name it to the speaker and to herald bfd"
    )
