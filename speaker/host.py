"""Whether this host is shutting down, as far as its systemd and its kubelet tell. A speaker that ends then withdraws.

systemd has no file that says so at once, so two of its files are looked at, through a read-only mount of /run/systemd:
- `shutdown/scheduled` tells when (`USEC=`): within the next minute, or already.
- `units/invocation:systemd-user-sessions.service` is there from the end of the boot until the very beginning of a
  shutdown, when systemd closes logins: it was there when the speaker started, and is gone.
A kubelet that shuts its node down gracefully ends pods before any of that; it says so in the Node's condition Ready.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from herald.kube.objects import Node

SOON_S: Final = 60.0
SCHEDULED: Final = "shutdown/scheduled"
LOGINS: Final = "units/invocation:systemd-user-sessions.service"
KUBELET_SAYS: Final = "node is shutting down"


class Host:
    """`systemd` is where the host's /run/systemd is seen; None: it is not."""

    def __init__(self, systemd: Path | None) -> None:
        self._systemd = systemd
        self._had_logins = self._has_logins()

    def is_shutting_down(self, node: Node | None) -> bool:
        return self._is_scheduled(time.time()) or (self._had_logins and not self._has_logins()) or _kubelet_says(node)

    def _has_logins(self) -> bool:
        """The link leads nowhere: it holds an identifier."""
        return self._systemd is not None and (self._systemd / LOGINS).is_symlink()

    def _is_scheduled(self, now: float) -> bool:
        """A file that cannot be understood tells nothing."""
        with suppress(OSError, ValueError):
            if self._systemd is not None:
                lines = (self._systemd / SCHEDULED).read_text(encoding="utf-8").splitlines()
                times = [int(line.removeprefix("USEC=")) / 1e6 for line in lines if line.startswith("USEC=")]
                return any(at - now < SOON_S for at in times)
        return False


def _kubelet_says(node: Node | None) -> bool:
    conditions = node.status.conditions if node else []
    return any(c.type == "Ready" and c.status != "True" and KUBELET_SAYS in c.message for c in conditions)
