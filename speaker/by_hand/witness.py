"""Orders by hand as a witness: what is ordered stands withdrawn, and every order, its end and who gave it is in the log."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from bgp_config.names import IPAddress
from herald.program.logs import fields
from speaker.by_hand import keep
from speaker.by_hand.keep import Kept
from speaker.by_hand.order import About, Order, Orders, Way, word
from speaker.core import Core
from speaker.evidence import Source, Standing
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.state.file import Origin, Unusable
from speaker.witness import Witness

log = logging.getLogger(__name__)

WITHDRAWN: Final = Standing(RouteState.WITHDRAWN, Reason.WITHDRAWN_BY_HAND)


class ByHand(Witness):
    """One owner: the daemon's loop, in whose thread orders come. `wake` makes the loop turn."""

    def __init__(self, directory: Path, origin: Origin, wake: Callable[[], None]) -> None:
        self.directory = directory
        self.given = dict.fromkeys(Way, 0)
        self._orders = Orders()
        self._origin = origin
        self._wake = wake
        self._switch = ""
        self._said: set[IPAddress] = set()
        self._has_news = True

    def recall(self) -> None:
        """What was ordered in an earlier life, on this boot. Before the loop runs."""
        match keep.load(self.directory, self._origin):
            case Kept(orders=orders, switch=switch):
                self._switch = switch
                for order in orders:
                    self._orders.give(order)
            case Unusable(why=why):
                log.warning("what was withdrawn by hand is not known any more", extra=fields(why=why))

    @property
    def in_force(self) -> tuple[Order, ...]:
        return self._orders.in_force

    @property
    def switch(self) -> str:
        """The version of the switch file that was obeyed last."""
        return self._switch

    def errors(self) -> list[tuple[str, str, str]]:
        """For the BGPNode: what each order is about, the reason in one word, and the rest in words."""
        reason = Reason.WITHDRAWN_BY_HAND.value
        return [(f"VIP/{word(order.about)}", reason, f"withdrawn by hand {order}") for order in self._orders.in_force]

    def testify(self, core: Core, now: float) -> None:
        """Only after a change: evidence stands until it is taken back."""
        for order in self._orders.expire(now):
            self._has_news = True
            log.warning("a withdrawal by hand is over", extra=_audit(order))
        if self._has_news:
            self._has_news = False
            self._tell(core)

    def give(self, order: Order) -> None:
        """Holds from the next turn on. Raises ValueError where there are too many; OSError: it holds, but is not kept."""
        self._orders.give(order)
        self._gave(order)
        self._changed()

    def cancel(self, about: About, who: str) -> bool:
        """Of those by command; whether there was one. Raises OSError where that is not kept."""
        order = self._orders.cancel(Way.COMMAND, about)
        if order is not None:
            log.warning("a withdrawal by hand is cancelled", extra=_audit(order, by=who))
            self._changed()
        return order is not None

    def obey_switch(self, version: str, orders: Iterable[Order], who: str) -> None:
        """The switch file is another one now, or gone. Raises ValueError and OSError as `give`."""
        self._switch = version
        wanted = {order.about: order for order in orders}
        for gone in [o for o in self._orders.in_force if o.way is Way.FILE and o.about not in wanted]:
            self._orders.cancel(Way.FILE, gone.about)
            log.warning("a withdrawal by hand is cancelled", extra=_audit(gone, by=who))
        try:
            for order in sorted(wanted.values(), key=lambda each: each.about is not None):  # all, though VIPs be too many
                self._orders.give(order)
                self._gave(order)
        finally:
            self._changed()

    def _tell(self, core: Core) -> None:
        abouts = {order.about for order in self._orders.in_force}
        core.stand(Source.BY_HAND, WITHDRAWN if None in abouts else None)
        vips = {about for about in abouts if about is not None}
        for vip in self._said | vips:
            core.doubt(Source.BY_HAND, vip, WITHDRAWN if vip in vips else None)
        self._said = vips

    def _gave(self, order: Order) -> None:
        self.given[order.way] += 1
        log.warning("withdrawn by hand", extra=_audit(order))

    def _changed(self) -> None:
        self._has_news = True
        self._wake()
        keep.save(self.directory, self._origin, Kept(orders=self._orders.in_force, switch=self._switch))


def _audit(order: Order, **more: object) -> dict[str, Mapping[str, object]]:
    why = {"reason": order.reason} if order.reason else {}
    until = order.until_utc.isoformat()
    return fields(about=word(order.about), until=until, who=order.who, way=order.way, **why, **more)
