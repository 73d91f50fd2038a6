"""The aggregates that this node announces are unreachable routes on it, so that no packet loops.

A packet for an address of an aggregate that is no VIP here would follow the default route back to the router that sent it.
On before the announcement, off when it has left the wire. Routes carry our mark, so a start after a crash takes over what
it finds. Adding them needs CAP_NET_ADMIN; without it the aggregate is announced all the same, and the error says so.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Collection

from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import Prefix
from herald.program.logs import fields
from speaker.netlink import ANSWER_LIMIT_S, Netlink

log = logging.getLogger(__name__)


class UnreachableRoutes:
    """One owner: the daemon's loop."""

    def __init__(self, netlink: Netlink) -> None:
        self._netlink = netlink
        self._present: set[Prefix] = set()
        self._refused: set[Prefix] = set()

    async def start(self) -> None:
        """Takes over what an earlier run left."""
        self._present = await self._netlink.unreachable()

    async def add(self, aggregates: Collection[Prefix]) -> None:
        """Before they are announced."""
        for prefix in set(aggregates) - self._present - self._refused:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    await self._netlink.add_unreachable(prefix)
            except (NetlinkError, TimeoutError) as error:
                self._refused.add(prefix)
                log.error(  # noqa: TRY400 -- the text says all
                    "an aggregate is announced without an unreachable route: packets for its unused addresses will loop",
                    extra=fields(prefix=prefix, why=error, remedy="give the speaker CAP_NET_ADMIN"),
                )
            else:
                self._present.add(prefix)

    async def remove(self, aggregates: Collection[Prefix], is_on_wire: Callable[[Prefix], bool]) -> None:
        """All others that no peer hears any more."""
        self._refused.intersection_update(aggregates)
        for prefix in [p for p in self._present if p not in aggregates and not is_on_wire(p)]:
            self._present.discard(prefix)
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    await self._netlink.remove_unreachable(prefix)
            except (NetlinkError, TimeoutError) as error:
                if not (isinstance(error, NetlinkError) and error.code == errno.ESRCH):  # a flush was faster
                    log.warning("an unreachable route stays", extra=fields(prefix=prefix, why=error))
