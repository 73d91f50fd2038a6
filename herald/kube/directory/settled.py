"""Reads a file only while nobody is writing it, so that what is cut short is never taken for the whole.

A read lease (fcntl(2), F_SETLEASE) is granted only if no process has the file open for writing, and holds back whoever
would open it until we have read. Where a file system knows no leases, a file that has not changed for a while will do.
"""

import contextlib
import errno
import fcntl
import os
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from herald.kube.directory.pace import Pace

_NO_LEASES = {errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class Signature(NamedTuple):
    """Differs whenever a file was written, replaced, or made accessible to others."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def same_file(self, other: "Signature") -> bool:
        return (self.device, self.inode) == (other.device, other.inode)


@dataclass(frozen=True, slots=True)
class Settled:
    """Content and signature belong together."""

    content: bytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Someone may be writing. To be read again soon, with the time since which this signature has not changed."""

    signature: Signature


def read_settled(path: Path, before: Signature | None, unchanged_s: float, pace: Pace) -> Settled | Unsettled:
    """`before` is the signature when the file was last read, `unchanged_s` how long it has been seen as it is now.

    Raises OSError, also for what is no regular file.
    """
    # O_NONBLOCK: neither a named pipe nor another's lease may hold us up.
    with open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        signature = Signature.of(status)
        if not _may_read(file.fileno(), unchanged_s, pace):
            return Unsettled(signature)
        content = file.read()
    written_in_place = before is not None and before != signature and before.same_file(signature)
    if written_in_place and _looks_cut(path, content) and unchanged_s < pace.cut_short_s:
        return Unsettled(signature)
    return Settled(content, signature)


def _may_read(descriptor: int, unchanged_s: float, pace: Pace) -> bool:
    """Whether nobody is writing, as far as can be known. A lease that was granted ends with the descriptor."""
    with contextlib.suppress(OSError):
        # The kernel tells a lease holder by signal that someone waits; SIGIO would end the process, SIGURG does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno in _NO_LEASES:
            return unchanged_s >= pace.quiet_s
        if error.errno != errno.EAGAIN:
            raise
        return unchanged_s >= pace.abandoned_s
    return True


def _looks_cut(path: Path, content: bytes) -> bool:
    """YAML can be cut short and still be valid; JSON cannot, wherever it is written."""
    return path.suffix != ".json" and content[-1:] not in {b"", b"\n", b"}", b"]"}
