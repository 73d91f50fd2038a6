"""ExaBGP's helper process: hands its pipes to the speaker, then is the dead-man switch. `python -I -S shim.py SOCKET`.

A program of its own with the standard library only, since it is kept small and must not fail. It passes its stdin (ExaBGP's
events) and stdout (commands to ExaBGP) over the Unix socket and keeps no copy. From then on the speaker's event loop sends
a byte every second. When none came for `DEADLINE_S`, or the socket ends, or there is no socket, nobody decides any more what
this ExaBGP announces, so the shim ends it: SIGTERM, and SIGKILL a second later.

The speaker takes one connection per ExaBGP process and then removes the socket. So a second shim, which ExaBGP starts when
the first one died, ends ExaBGP at once; and the first may wait the whole deadline for its first byte, since before it
ExaBGP has not been given a single route.
"""

import os
import signal
import socket
import sys
import time

DEADLINE_S = 10.0
GRACE_S = 1.0
PARENT_VARIABLE = "HERALD_EXABGP_PID"


def is_parent(pid: int) -> bool:
    """Whether `pid` is still the process that started us: its number may belong to another one later."""
    return os.getppid() == pid


def end(exabgp: int) -> None:
    if is_parent(exabgp):
        os.kill(exabgp, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while is_parent(exabgp) and time.monotonic() < deadline:
        time.sleep(0.02)
    if is_parent(exabgp):
        os.kill(exabgp, signal.SIGKILL)


def follow(path: str) -> None:
    """Returns when the speaker is gone or stuck."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as speaker:
        speaker.settimeout(DEADLINE_S)
        speaker.connect(path)
        socket.send_fds(speaker, [b"\n"], [0, 1])
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        while speaker.recv(64):
            pass


def main() -> None:
    exabgp = int(os.environ[PARENT_VARIABLE])
    try:
        follow(sys.argv[1])
    except OSError:
        pass  # TimeoutError and ConnectionRefusedError among them: all mean the same
    finally:
        end(exabgp)


if __name__ == "__main__":
    main()
