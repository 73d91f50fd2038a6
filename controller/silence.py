"""Which speakers are dead: those whose BGPNode has not changed its heartbeat for SILENCE_S, by our own clock. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bgp_config.status.node import SILENCE_S


@dataclass(frozen=True, slots=True)
class Sign:
    """What a BGPNode shows of its speaker. `name` is also the node's."""

    name: str
    uid: str
    heartbeat: str


class Silence:
    """Times are of one monotonic clock. A leader that is new gives every speaker the whole time."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Sign, float]] = {}
        self._declared: set[Sign] = set()

    def saw(self, signs: Iterable[Sign], now: float) -> None:
        """All BGPNodes, as they are now."""
        before, self._heard = self._heard, {}
        for sign in signs:
            known = before.get(sign.name)
            self._heard[sign.name] = known if known and known[0] == sign else (sign, now)
        self._declared &= {sign for sign, _ in self._heard.values()}

    def dead(self, now: float) -> Iterator[Sign]:
        """Those to be declared dead, and not yet so."""
        for sign, since in self._heard.values():
            if now - since >= SILENCE_S and sign not in self._declared:
                yield sign

    def declared(self, sign: Sign) -> None:
        """Its objects say Unknown now; until it is heard again there is nothing to do."""
        self._declared.add(sign)
