"""`--guard-pools`: a packet for a pool's address that nothing here takes ends here, instead of going back to the router.

kube-proxy rewrites what is for a port of a Service before the packet is routed, so whatever is then still addressed to a
pool would follow the default route to the ToR, which has this node as its next hop: until its TTL is used up. A rule of our
own sends what comes from outside (never what this host itself begins) by a table with a blackhole for every block of every
pool. Routes, not a firewall table: they need no other program and no order among hooks, and `ip route show table 7272` shows
them.

Whole pools, not VIPs: nothing changes when a VIP does, and a Service that is deleted leaves no gap. All of it stays when the
speaker ends, as routes may. Rules and routes carry our mark. Needs CAP_NET_ADMIN; without it an error says so.
"""

import asyncio
import errno
import logging
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.config import Config, Pool
from bgp_config.names import Prefix
from herald.program.logs import fields
from speaker.core import Core
from speaker.netlink import Netlink
from speaker.witness import Witness

RETRY_S = 5.0

log = logging.getLogger(__name__)


class PoolGuard(Witness):
    """The loop tells it the pools; `run` has the kernel's table follow them, in a task of its own."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._wanted: AbstractSet[Prefix] | None = None
        self._changed = asyncio.Event()

    def testify(self, core: Core, now: float) -> None:  # noqa: ARG002 -- Witness
        config = core.cluster.config
        if core.cluster.synced and config is not self._config:
            self._config = config
            wanted = blocks(config.pools.values())
            if wanted != self._wanted:  # the kernel is not asked for every change of a peer
                self._wanted = wanted
                self._changed.set()

    async def run(self, netlink: Netlink) -> None:
        """Until cancelled. What the kernel refuses is tried again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._put_right(netlink)
            except NetlinkError as error:
                log.error(  # noqa: TRY400 -- the text says all
                    "pools are not guarded: packets for ports without a Service may loop",
                    extra=fields(why=error, remedy="give the speaker CAP_NET_ADMIN, or leave --guard-pools away"),
                )
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def _put_right(self, netlink: Netlink) -> None:
        """Compared with what is there, so that it is right also after a crash; a flush is mended by the next change."""
        wanted, present = self._wanted or frozenset(), await netlink.blackholes()
        for prefix in sorted(wanted - present, key=str):
            await netlink.add_blackhole(prefix)
        for prefix in sorted(present - wanted, key=str):
            try:
                await netlink.remove_blackhole(prefix)
            except NetlinkError as error:
                if error.code != errno.ESRCH:  # somebody was faster
                    raise
        await netlink.ensure_blackhole_rules()


def blocks(pools: Iterable[Pool]) -> frozenset[Prefix]:
    """All their addresses, in as few prefixes as can be for each range."""
    return frozenset(prefix for pool in pools for block in pool.ranges for prefix in _prefixes(block.first, block.last))


def _prefixes(first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address) -> Iterable[Prefix]:
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
        return summarize_address_range(first, last)
    assert isinstance(first, IPv6Address)  # noqa: S101 -- a range is of one family
    assert isinstance(last, IPv6Address)  # noqa: S101
    return summarize_address_range(first, last)
