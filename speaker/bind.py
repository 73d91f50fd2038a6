"""`--bind-vips`: VIPs are addresses of this node while it announces them, for nodes whose data path wants that.

On before the announcement, off a second after the withdrawal is on the wire: a router needs some time to move its traffic.
Only addresses that carry our mark are ever taken off; so a start after a crash puts right what it finds.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from bgp_config.names import IPAddress
from speaker.netlink import Netlink

LINGER_S = 1.0


class Binder:
    """Which VIPs are bound, and which of them are about to leave. One owner: the daemon's loop."""

    def __init__(self, netlink: Netlink, device: str) -> None:
        self._netlink = netlink
        self._device_name = device
        self._device = 0
        self._bound: dict[IPAddress, int] = {}
        self._leaving: dict[IPAddress, float] = {}

    async def start(self, now: float) -> int:
        """Takes over what an earlier run left: it leaves too, unless it is bound again. Returns the device's index."""
        self._device = await self._netlink.device(self._device_name)
        self._bound = await self._netlink.bound()
        self.release(self._bound, now)
        return self._device

    async def bind(self, vips: Iterable[IPAddress]) -> None:
        """Before they are announced."""
        for vip in vips:
            self._leaving.pop(vip, None)
            if vip not in self._bound:
                await self._netlink.bind(vip, self._device)
                self._bound[vip] = self._device

    def release(self, vips: Iterable[IPAddress], now: float) -> None:
        """No longer desired, or no longer on the wire: they are due after LINGER_S."""
        self._leaving.update((vip, now) for vip in vips if vip in self._bound)

    def due(self, now: float) -> list[IPAddress]:
        """Those that have lingered long enough; the caller keeps back what is still on a wire."""
        return [vip for vip, since in self._leaving.items() if now - since >= LINGER_S]

    def keep(self, vip: IPAddress) -> None:
        """It is announced after all."""
        self._leaving.pop(vip, None)

    async def unbind(self, vips: Iterable[IPAddress]) -> None:
        for vip in list(vips):
            await self._netlink.unbind(vip, self._bound.pop(vip))
            self._leaving.pop(vip, None)

    @property
    def bound(self) -> AbstractSet[IPAddress]:
        return self._bound.keys()
