"""How this node reaches its peers, as the kernel says, and which Secrets it waits to hear of: what sessions are made from.

The kernel is asked when it said that something changed. Without an answer in time the speaker goes on with what it knew.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from pyroute2.netlink.exceptions import NetlinkError

from herald.kube.objects import ObjectKey
from herald.program.logs import fields
from speaker.core import Core
from speaker.netlink import Netlink
from speaker.netwatch import NetworkWatch
from speaker.peering import NodeNetwork, secret_key

log = logging.getLogger(__name__)

OBSERVE_S = 0.2
"""The kernel is not asked more often than this."""
OBSERVE_LIMIT_S = 3.0
"""How long it may take, with ten thousand addresses; after it the speaker goes on with what it knew."""
SECRETS_S = 2.0
"""How long a Secret that a peer names anew may take to be heard of, before its session ends for want of it."""


class Surroundings:
    """One owner: the daemon's loop, in which it is made. `want_secrets` is called with the Secrets that the peers need."""

    def __init__(self, netlink: Netlink, core: Core) -> None:
        self.watch = NetworkWatch()
        self.want_secrets: Callable[[Iterable[ObjectKey]], None] = lambda _: None
        self._netlink = netlink
        self._core = core
        self._network = NodeNetwork()
        self._observed_at = float("-inf")
        self._wanted_since: dict[ObjectKey, float] = {}

    def is_due(self, now: float) -> bool:
        """The kernel said that something changed."""
        return self.watch.changed and now - self._observed_at >= OBSERVE_S

    def awaited_secrets(self, now: float) -> frozenset[ObjectKey]:
        """Wanted, but not for long enough that the source would have told of them."""
        unheard = self._wanted_since.keys() - self._core.cluster.secrets.keys()
        return frozenset(key for key in unheard if now - self._wanted_since[key] < SECRETS_S)

    async def observe(self, now: float) -> bool:
        """Asks the kernel, and says which Secrets are wanted. Whether the core has learned anything by it."""
        self.watch.forget()
        refs = (peer.password_secret for peer in self._core.peers())
        wanted = {secret_key(ref) for ref in refs if ref}
        self._wanted_since = {key: self._wanted_since.get(key, now) for key in wanted}
        self.want_secrets(wanted)
        self._observed_at = now
        try:
            async with asyncio.timeout(OBSERVE_LIMIT_S):
                self._network = await self._netlink.observe(self._core.neighborhood.unsourced(), self._network)
        except (NetlinkError, TimeoutError) as error:
            self.watch.remember()
            self._observed_at = now + OBSERVE_LIMIT_S
            log.warning("the kernel does not say how peers are reached", extra=fields(why=error or "no answer in time"))
        return self._core.learn(self._network)
