"""One session's Adj-RIB-Out: what it shall say, what is on the wire, what is on the way there. Pure.

Invariants:
- At most one operation per prefix is in flight, from the command until ExaBGP's own report of the UPDATE that carried it.
  With two, ExaBGP can put a withdrawal behind the announcement that came after it and believe the opposite.
- A command is made only for a prefix whose desired and programmed attributes differ; the last word per prefix wins.
- Each change costs its own prefix only. Queues are lazy: an entry that no longer holds is dropped when its turn comes.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from bgp_config.names import Family, Prefix
from speaker.exabgp.command import MAX_PREFIXES, Announce, Withdraw
from speaker.exabgp.message import Sent, prefix_of
from speaker.route import PathAttributes

Key = TypeVar("Key")


class _Queue(Generic[Key]):
    """Prefixes in order of arrival, grouped by what they have in common, so that one command can take many."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, deque[Prefix]] = OrderedDict()

    def add(self, key: Key, prefix: Prefix) -> None:
        self._groups.setdefault(key, deque()).append(prefix)

    def take(self, holds: Callable[[Key, Prefix], bool]) -> tuple[Key, tuple[Prefix, ...]] | None:
        """Up to MAX_PREFIXES of the oldest group for which `holds`; None when there is nothing."""
        while self._groups:
            key, waiting = next(iter(self._groups.items()))
            taken: dict[Prefix, None] = {}
            while waiting and len(taken) < MAX_PREFIXES:
                prefix = waiting.popleft()
                if holds(key, prefix):
                    taken[prefix] = None
            if not waiting:
                del self._groups[key]
            if taken:
                return key, tuple(taken)
        return None


_Attributed = tuple[Family, PathAttributes]


class AdjRibOut:
    """Of one ExaBGP process: it forgets what was programmed by never being used for another one."""

    def __init__(self, routes: Mapping[Prefix, PathAttributes]) -> None:
        self._desired = dict(routes)
        self._programmed: dict[Prefix, PathAttributes] = {}
        self._in_flight: dict[Prefix, PathAttributes | None] = {}
        self._as_written: dict[str, Prefix] = {}
        self._families: frozenset[Family] = frozenset()
        self._extends_next_hops = False
        self._withdrawals: _Queue[Family] = _Queue()
        self._announcements: _Queue[_Attributed] = _Queue()
        self._load: _Queue[_Attributed] = _Queue()

    @property
    def desired(self) -> Mapping[Prefix, PathAttributes]:
        return self._desired

    @property
    def programmed(self) -> Mapping[Prefix, PathAttributes]:
        """What ExaBGP reported to be on the wire."""
        return self._programmed

    @property
    def in_flight(self) -> int:
        """Prefixes with an operation whose UPDATE is not yet reported."""
        return len(self._in_flight)

    def start(self, families: frozenset[Family], *, extends_next_hops: bool = False) -> None:
        """The session is up and carries `families`: all that is desired is to be loaded.

        Without `extends_next_hops` the peer takes IPv4 routes with an IPv4 next hop only.
        """
        self._families, self._extends_next_hops = families, extends_next_hops
        for prefix, attributes in self._desired.items():
            family = Family.of(prefix)
            if family in families and self._is_carried(family, attributes):
                self._load.add((family, attributes), prefix)

    def want(self, changes: Mapping[Prefix, PathAttributes | None]) -> None:
        for prefix, attributes in changes.items():
            if attributes is None:
                self._desired.pop(prefix, None)
            else:
                self._desired[prefix] = attributes
            self._mark(prefix)

    def want_nothing(self) -> None:
        self.want(dict.fromkeys(list(self._desired)))

    def withdrawal(self) -> Withdraw | None:
        """The next one to send, already counted as in flight."""
        if (taken := self._withdrawals.take(self._is_to_withdraw)) is None:
            return None
        _, prefixes = taken
        self._depart(prefixes, None)
        return Withdraw(prefixes=prefixes, next_hop=self._programmed[prefixes[0]].next_hop)

    def announcement(self) -> Announce | None:
        """The next change to announce, already counted as in flight."""
        return self._announce(self._announcements)

    def load(self) -> Announce | None:
        """The next part of what was desired when the session came up, already counted as in flight."""
        return self._announce(self._load)

    def sent(self, message: Sent) -> list[tuple[Prefix, PathAttributes | None]]:
        """What became programmed. An UPDATE that is not ours (an answer to ROUTE-REFRESH) changes nothing."""
        arrived: list[tuple[Prefix, PathAttributes | None]] = []
        for prefix in self._ours(message.withdrawn):
            if self._in_flight[prefix] is None:
                self._programmed.pop(prefix, None)
                arrived.append(self._arrive(prefix))
        for attributes, written in message.announced:
            for prefix in self._ours(written):
                wanted = self._in_flight[prefix]
                if wanted is not None and _carries(attributes, wanted):
                    self._programmed[prefix] = wanted
                    arrived.append(self._arrive(prefix))
        return arrived

    def _arrive(self, prefix: Prefix) -> tuple[Prefix, PathAttributes | None]:
        attributes = self._in_flight.pop(prefix)
        del self._as_written[str(prefix)]
        self._mark(prefix)
        return prefix, attributes

    def _mark(self, prefix: Prefix) -> None:
        """Queues what this prefix needs, if anything. One in flight is looked at again when it has arrived."""
        family = Family.of(prefix)
        if family not in self._families or prefix in self._in_flight:
            return
        wanted, programmed = self._wanted(family, prefix), self._programmed.get(prefix)
        if wanted == programmed:
            return
        if wanted is None:
            self._withdrawals.add(family, prefix)
        else:
            self._announcements.add((family, wanted), prefix)

    def _wanted(self, family: Family, prefix: Prefix) -> PathAttributes | None:
        """What is desired, if the peer can take it."""
        wanted = self._desired.get(prefix)
        return wanted if wanted and self._is_carried(family, wanted) else None

    def _is_carried(self, family: Family, attributes: PathAttributes) -> bool:
        return Family.of(attributes.next_hop) is family or self._extends_next_hops

    def _announce(self, queue: _Queue[_Attributed]) -> Announce | None:
        if (taken := queue.take(self._is_to_announce)) is None:
            return None
        (_, attributes), prefixes = taken
        self._depart(prefixes, attributes)
        return Announce(prefixes=prefixes, attributes=attributes)

    def _is_to_withdraw(self, family: Family, prefix: Prefix) -> bool:
        is_wanted = self._wanted(family, prefix) is not None
        return prefix in self._programmed and not is_wanted and prefix not in self._in_flight

    def _is_to_announce(self, key: _Attributed, prefix: Prefix) -> bool:
        _, attributes = key
        return (
            prefix not in self._in_flight
            and self._desired.get(prefix) == attributes
            and self._programmed.get(prefix) != attributes
        )

    def _depart(self, prefixes: Iterable[Prefix], attributes: PathAttributes | None) -> None:
        for prefix in prefixes:
            self._in_flight[prefix] = attributes
            self._as_written[str(prefix)] = prefix

    def _ours(self, written: Iterable[str]) -> Iterable[Prefix]:
        """Those with an operation in flight. Few prefixes are written in another way than Python's."""
        for text in written:
            prefix = self._as_written.get(text) or self._as_written.get(str(prefix_of(text)))
            if prefix is not None:
                yield prefix


def _carries(sent: PathAttributes, wanted: PathAttributes) -> bool:
    """Whether this UPDATE is the one that was asked for.

    Of the AS_PATH the length counts, since a peer without RFC 6793 gets AS_TRANS in it; of LOCAL_PREF and AS_PATH only
    what was asked for, since ExaBGP adds what is mandatory.
    """
    return (
        sent.next_hop == wanted.next_hop
        and (not wanted.as_path or len(sent.as_path) == len(wanted.as_path))
        and (wanted.local_pref is None or sent.local_pref == wanted.local_pref)
        and sent.med == wanted.med
        and frozenset(sent.communities) == frozenset(wanted.communities)
        and frozenset(sent.large_communities) == frozenset(wanted.large_communities)
        and frozenset(sent.extended_communities) == frozenset(wanted.extended_communities)
    )
