"""What keeps the program punctual on a busy machine: real-time scheduling, locked memory, no garbage collector at work.

Each may be refused (a container without the capability); then the log says so, once, and the program goes on without.
"""

import ctypes
import gc
import logging
import os
from dataclasses import dataclass

from herald.program.logs import fields

log = logging.getLogger(__name__)

PRIORITY = 50
REAL_TIME = f"SCHED_RR {PRIORITY}"
NICE = -20
MCL_CURRENT, MCL_FUTURE = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuality:
    """What was granted."""

    is_real_time: bool
    is_memory_locked: bool


def become_punctual() -> Punctuality:
    """For this thread and those that it starts from now on. Call it when everything is loaded."""
    scheduling = _schedule()
    is_locked = _lock_memory()
    gc.collect()
    gc.freeze()
    log.info("punctuality", extra=fields(scheduling=scheduling, memory="locked" if is_locked else "not locked"))
    return Punctuality(is_real_time=scheduling == REAL_TIME, is_memory_locked=is_locked)


def _schedule() -> str:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError as error:
        log.warning("real-time scheduling is refused: give CAP_SYS_NICE", extra=fields(error=error))
    else:
        return REAL_TIME
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except OSError as error:
        log.warning("raised priority is refused, too: sessions may go down under load", extra=fields(error=error))
        return "normal"
    return f"nice {NICE}"


def _lock_memory() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE) == 0:
        return True
    error = os.strerror(ctypes.get_errno())
    log.warning("locking memory is refused: give CAP_IPC_LOCK, or raise RLIMIT_MEMLOCK", extra=fields(error=error))
    return False
