"""What keeps the program punctual on a busy machine: real-time scheduling, locked memory, no garbage collector at work.

Each may be refused (a container without the capability); then the log says so, once, and the program goes on without.
"""

import ctypes
import gc
import logging
import os

from herald.program.logs import fields

log = logging.getLogger(__name__)

PRIORITY = 50
NICE = -20
MCL_CURRENT, MCL_FUTURE = 1, 2


def become_punctual() -> None:
    """For this thread and those that it starts from now on. Call it when everything is loaded."""
    scheduling = _schedule()
    locked = _lock_memory()
    gc.collect()
    gc.freeze()
    log.info("punctuality", extra=fields(scheduling=scheduling, memory=locked))


def _schedule() -> str:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError as error:
        log.warning("real-time scheduling is refused: give CAP_SYS_NICE", extra=fields(error=error))
    else:
        return f"SCHED_RR {PRIORITY}"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except OSError as error:
        log.warning("raised priority is refused, too: sessions may go down under load", extra=fields(error=error))
        return "normal"
    return f"nice {NICE}"


def _lock_memory() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE) == 0:
        return "locked"
    error = os.strerror(ctypes.get_errno())
    log.warning("locking memory is refused: give CAP_IPC_LOCK, or raise RLIMIT_MEMLOCK", extra=fields(error=error))
    return "not locked"
