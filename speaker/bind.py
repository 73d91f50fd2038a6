"""`--bind-vips`: VIPs are addresses of this node while it announces them, for nodes whose data path wants that.

On before the announcement, off a second after the withdrawal is on the wire: a router needs some time to move its traffic.
Only addresses that we added are ever taken off, and they carry our mark, so a start after a crash puts right what it finds.
Slices keep a turn of the loop short, however many VIPs there are. A VIP that the kernel refuses is tried again and again; it
waits, and no router is told of it. One that somebody else took off is put on again: the kernel's notifications raise the
doubt, a look at all that is bound settles it, at most once in LOOK_S.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from itertools import islice

from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import IPAddress
from herald.program.logs import fields
from speaker.netlink import ANSWER_LIMIT_S, Netlink

LINGER_S = 1.0
SLICE = 200
"""How many VIPs at most one call puts on or takes off."""
RETRY_S = 5.0
LOOK_S = 1.0
MOST_NAMED = 10
GONE = frozenset({errno.EADDRNOTAVAIL, errno.ENODEV})

log = logging.getLogger(__name__)


class Binder:
    """Which VIPs are bound, wait for it, or are about to leave. One owner: the daemon's loop.

    `on_device` is called with the device's index, again when it was deleted and is there anew. Only what is bound leaves.
    """

    def __init__(self, netlink: Netlink, device: str) -> None:
        self.on_device: Callable[[int], None] = lambda _: None
        self._netlink = netlink
        self._device_name = device
        self._device = 0
        self._bound: dict[IPAddress, int] = {}
        self._waiting: dict[IPAddress, float] = {}
        self._leaving: dict[IPAddress, float] = {}
        self._refused: set[IPAddress] = set()
        self._in_doubt = False
        self._looked_at = float("-inf")

    async def start(self, now: float) -> None:
        """Takes over what an earlier run left: it leaves too, unless it is bound again."""
        await self._find_device()
        self._bound = await self._netlink.bound()
        self.release(self._bound, now)

    def want(self, vips: Iterable[IPAddress], now: float) -> None:
        """To be bound; until then they wait."""
        for vip in vips:
            self._leaving.pop(vip, None)
            if vip not in self._bound:
                self._waiting[vip] = now

    def waits(self, vip: IPAddress) -> bool:
        """Whether it must not be announced yet."""
        return vip in self._waiting

    def doubt(self, vip: IPAddress | None) -> None:
        """It was taken off, perhaps by us. None: who knows which."""
        if vip is None or (vip in self._bound and vip not in self._leaving):
            self._in_doubt = True

    @property
    def refused(self) -> AbstractSet[IPAddress]:
        """Those that the kernel does not take."""
        return self._refused

    def is_busy(self, now: float) -> bool:
        """Whether bind() has something to do."""
        return any(at <= now for at in self._waiting.values())

    async def bind(self, now: float) -> None:
        """The next slice. Bounded in time."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                if self._in_doubt and now - self._looked_at >= LOOK_S:
                    await self._look(now)
                for vip in list(islice((vip for vip, at in self._waiting.items() if at <= now), SLICE)):
                    await self._bind(vip, now)
        except TimeoutError:
            self._in_doubt = True
            self._waiting = dict.fromkeys(self._waiting, now + RETRY_S)
            log.error("the kernel does not answer: VIPs wait to be bound", extra=fields(waiting=len(self._waiting)))  # noqa: TRY400 -- the text says all

    def drop(self, vips: Iterable[IPAddress], now: float) -> None:
        """No longer desired: what is bound is due after LINGER_S, what waits waits no more."""
        vips = list(vips)
        for vip in vips:
            self._waiting.pop(vip, None)
            self._refused.discard(vip)
        self.release(vips, now)

    def release(self, vips: Iterable[IPAddress], now: float) -> None:
        """No longer on the wire: they are due after LINGER_S."""
        self._leaving.update((vip, now) for vip in vips if vip in self._bound)

    def due(self, now: float) -> list[IPAddress]:
        """Those that have lingered long enough; the caller keeps back what is still on a wire."""
        return [vip for vip, since in self._leaving.items() if now - since >= LINGER_S]

    def keep(self, vip: IPAddress) -> None:
        """It is announced after all."""
        self._leaving.pop(vip, None)

    async def unbind(self, vips: Iterable[IPAddress]) -> None:
        """Bounded in time: what the kernel did not take off meanwhile is due again."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                for vip in list(vips):
                    await self._unbind(vip)
        except TimeoutError:
            log.warning("the kernel does not answer: VIPs stay bound")

    async def unbind_all(self) -> None:
        """Gives up when the kernel takes nothing off any more."""
        left = len(self._bound) + 1
        while len(self._bound) < left:
            left = len(self._bound)
            await self.unbind(islice(self._bound, SLICE))

    @property
    def bound(self) -> AbstractSet[IPAddress]:
        """By us: an address that was there before is not ours."""
        return self._bound.keys()

    async def _look(self, now: float) -> None:
        """What became of that to which the kernel gave no answer, and of what somebody else may have taken off."""
        self._looked_at = now
        found = await self._netlink.bound()
        stray = [vip for vip in found if vip not in self._bound and vip not in self._waiting]
        lost = self._bound.keys() - found.keys() - self._leaving.keys()
        if lost:
            log.warning(
                "somebody took off VIPs: they are bound again", extra=fields(vips=sorted(lost, key=str)[:MOST_NAMED])
            )
            await self._find_device()  # it may have been the whole device
        self._bound, self._in_doubt = found, False
        self._leaving = {vip: since for vip, since in self._leaving.items() if vip in found}
        self._waiting.update(dict.fromkeys(lost, now))
        self.release(stray, now)

    async def _bind(self, vip: IPAddress, now: float) -> None:
        try:
            if vip not in self._bound:
                await self._add(vip)
                self._bound[vip] = self._device
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                self._refuse(vip, error, now)
                return
        self._refused.discard(vip)
        del self._waiting[vip]

    async def _add(self, vip: IPAddress) -> None:
        try:
            await self._netlink.bind(vip, self._device)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise
            await self._find_device()  # it was deleted while nothing was bound, which nobody told
            await self._netlink.bind(vip, self._device)

    async def _find_device(self) -> None:
        self._device = await self._netlink.device(self._device_name)
        self.on_device(self._device)

    def _refuse(self, vip: IPAddress, error: NetlinkError, now: float) -> None:
        self._waiting[vip] = now + RETRY_S
        if vip not in self._refused:
            self._refused.add(vip)
            log.error(
                "a VIP cannot be bound and is not announced",
                extra=fields(vip=vip, why=error, remedy="CAP_NET_ADMIN, or the device"),
            )

    async def _unbind(self, vip: IPAddress) -> None:
        try:
            await self._netlink.unbind(vip, self._bound[vip])
        except NetlinkError as error:
            if error.code not in GONE:  # whoever flushed the device was faster
                log.warning("a VIP stays bound", extra=fields(vip=vip, why=error))
        self._bound.pop(vip)
        self._leaving.pop(vip, None)
