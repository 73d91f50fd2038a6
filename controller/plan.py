"""All Services as the controller knows them, and the writes that they need. Pure: loops do what it says and report back.

Work is proportional to the change (DESIGN.md, rule 2): a change marks a Service, and only marked Services are decided again,
and those that wait for an address which became free. The oldest is decided first, so that what is scarce goes to it. The
result equals that of deciding all Services again, in the same order; only which of two reasons is named for a Service that
lacks an address of both families may differ.

What is seen of a Service may be older than what was written to it: then it is passed over.

Nothing is decided before every required kind has been listed once (rule 4). An address is claimed from the decision on,
through the write, until the status that showed it is known to be cleared or gone; a write that failed changes no claim.
"""

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import assert_never

from bgp_config.config import Config
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import Family, IPAddress, Prefix
from bgp_config.store import ConfigStore
from bgp_config.verdict import Verdict
from controller.allocate import Awaited, Vacancy, decide
from controller.guard import forbidden_prefixes
from controller.ledger import Ledger, Seniority
from controller.record import Record, Write
from controller.waiting import Waiting
from herald.kube.objects import CONFIG_KINDS, ConfigManifest, Kind, KubeObject, Node, ObjectKey, Service, ServiceCIDR
from herald.kube.source import Change, Fresh, Gone, Stale, Synced, Upsert

KINDS = frozenset({Kind.SERVICE, Kind.NODE, Kind.SERVICE_CIDR}) | CONFIG_KINDS
"""What the controller reads: Nodes, ServiceCIDRs and peers because their addresses must not be assigned."""


class Plan:
    """Its one owner calls apply for each change, settle, then per Service next_write, begin, and acknowledge or fail."""

    def __init__(self, load_balancer_class: str) -> None:
        self.stale: dict[Kind, str] = {}
        self._class = load_balancer_class
        self._unsynced = set(KINDS)
        self._config = ConfigStore()
        self._manifests: dict[ConfigKey, ConfigManifest] = {}
        self._nodes: dict[ObjectKey, Node] = {}
        self._service_cidrs: dict[ObjectKey, ServiceCIDR] = {}
        self._guarded: tuple[Config, frozenset[Prefix]] = (Config(), frozenset())
        self._records: dict[ObjectKey, Record] = {}
        self._ledger = Ledger()
        self._waiting = Waiting()
        self._dirty: set[ObjectKey] = set()
        self._guard_dirty = True

    @property
    def unsynced(self) -> frozenset[Kind]:
        """The kinds that have not been listed yet."""
        return frozenset(self._unsynced)

    @property
    def records(self) -> Mapping[ObjectKey, Record]:
        """To be read only."""
        return self._records

    @property
    def ledger(self) -> Ledger:
        """To be read only."""
        return self._ledger

    @property
    def config(self) -> Config:
        return self._config.config

    @property
    def nodes(self) -> Mapping[ObjectKey, Node]:
        """To be read only."""
        return self._nodes

    @property
    def manifests(self) -> Mapping[ConfigKey, ConfigManifest]:
        """The configuration objects as last seen. To be read only."""
        return self._manifests

    @property
    def verdicts(self) -> Mapping[ConfigKey, Verdict]:
        return self._config.verdicts

    def apply(self, change: Change) -> None:
        """Take note of a change. Kinds that the controller does not read are passed over."""
        match change:
            case Upsert():
                self._upsert(change.object)
            case Gone():
                self._gone(change.kind, change.key)
            case Synced(kind):
                self._unsynced.discard(kind)
            case Stale(kind, why):
                self.stale[kind] = why
            case Fresh(kind):
                self.stale.pop(kind, None)
            case _:
                assert_never(change)

    def settle(self) -> tuple[ObjectKey, ...]:
        """Decide what is marked. Returns the Services that were decided, in that order: their next write may be another."""
        if self._unsynced:
            return ()
        if self._guard_dirty:
            self._guard_dirty = False
            self._guard()
        decided = _Pass(self._records, self._ledger, self._waiting, self._class).run(self._dirty)
        self._dirty = set()
        return decided

    def decide_all(self) -> tuple[ObjectKey, ...]:
        """As settle, for every Service. Never needed: tests hold settle to it."""
        self._dirty.update(self._records)
        return self.settle()

    def next_write(self, key: ObjectKey) -> Write | None:
        """None also while a write for the Service is on its way, and before everything has been listed."""
        record = None if self._unsynced else self._records.get(key)
        return record.next_write() if record else None

    def begin(self, write: Write) -> None:
        self._records[write.service.key].begin(write)

    def acknowledge(self, write: Write, version: str = "") -> None:
        """The write is durable, as this resourceVersion. Settle afterwards: it may have set addresses free."""
        self._records[write.service.key].acknowledge(write, version)
        self._dirty.add(write.service.key)

    def fail(self, write: Write) -> None:
        """It is not known whether the write happened."""
        self._records[write.service.key].fail()

    def yield_to(self, manager: str, write: Write) -> None:
        """The write was refused, because another controller has assigned the ingress. Settle afterwards."""
        self._records[write.service.key].yield_to(manager)
        self._dirty.add(write.service.key)

    def inherit(self, service: Service) -> None:
        """An earlier life has written this about a Service, which may exist or not."""
        record = self._records.setdefault(service.key, Record(service))
        record.touched = True
        record.vanish()
        self._dirty.add(service.key)

    def _guard(self) -> None:
        """Take other pools or other forbidden addresses into account, if they are others."""
        config = self._config.config
        guarded = config, forbidden_prefixes(self._nodes.values(), self._service_cidrs.values(), config)
        if (config.pools, guarded[1]) != (self._guarded[0].pools, self._guarded[1]):
            self._ledger.set_pools(*guarded)
            self._dirty.update(self._records)
        self._guarded = guarded

    def _upsert(self, thing: KubeObject) -> None:
        match thing:
            case Service():
                record = self._records.setdefault(thing.key, Record(thing))
                if record.see(thing):
                    self._dirty.add(thing.key)
            case Node():
                self._nodes[thing.key] = thing
                self._guard_dirty = True
            case ServiceCIDR():
                self._service_cidrs[thing.key] = thing
                self._guard_dirty = True
            case ConfigManifest(kind=kind, metadata=metadata, spec=spec) if kind in KINDS:
                self._manifests[ConfigKey(ConfigKind(kind.value), metadata.name)] = thing
                self._config.upsert(
                    ConfigKind(kind.value),
                    metadata.name,
                    metadata.creation_timestamp,
                    metadata.generation,
                    spec,
                    terminating=metadata.deletion_timestamp is not None,
                )
                self._guard_dirty = True

    def _gone(self, kind: Kind, key: ObjectKey) -> None:
        if kind is Kind.SERVICE and key in self._records:
            self._records[key].vanish()
            self._dirty.add(key)
        elif kind is Kind.NODE:
            self._guard_dirty |= self._nodes.pop(key, None) is not None
        elif kind is Kind.SERVICE_CIDR:
            self._guard_dirty |= self._service_cidrs.pop(key, None) is not None
        elif kind in CONFIG_KINDS & KINDS:
            self._manifests.pop(ConfigKey(ConfigKind(kind.value), key.name), None)
            self._config.remove(ConfigKind(kind.value), key.name)
            self._guard_dirty = True


class _Pass:
    """One run over the marked Services, oldest first. What becomes free on the way is offered to those that wait for it."""

    def __init__(self, records: dict[ObjectKey, Record], ledger: Ledger, waiting: Waiting, load_balancer_class: str) -> None:
        self._records = records
        self._ledger = ledger
        self._waiting = waiting
        self._class = load_balancer_class
        self._todo: list[Seniority] = []
        self._free: dict[Awaited, Seniority | None] = {}  # what became free, and the last Service that it was offered to

    def run(self, marked: Iterable[ObjectKey]) -> tuple[ObjectKey, ...]:
        marked = frozenset(marked)
        for key in marked:  # all claims first: none of them may lose its address to a Service that has none yet
            self._claim(self._records[key])
        self._todo.extend(self._records[key].seniority for key in marked)
        heapify(self._todo)
        decided: dict[ObjectKey, None] = {}
        while (who := self._next()) is not None:
            self._decide(self._records[who.key])
            decided[who.key] = None
        return tuple(decided)

    def _next(self) -> Seniority | None:
        """The oldest of those still to be decided, be it that it is marked or that it waits for what is free."""
        offers = {awaited: who for awaited in list(self._free) if (who := self._offer(awaited))}
        if not offers or (self._todo and self._todo[0] <= min(offers.values())):
            return heappop(self._todo) if self._todo else None
        oldest = min(offers.values())
        self._free.update({awaited: who for awaited, who in offers.items() if who == oldest})
        return oldest

    def _offer(self, awaited: Awaited) -> Seniority | None:
        who = self._waiting.next_after(awaited, self._free[awaited])
        taken = isinstance(awaited, Vacancy) and self._ledger.lowest_free(awaited.pool, awaited.family) is None
        if who is None or taken:
            del self._free[awaited]
            return None
        return who

    def _decide(self, record: Record) -> None:
        if record.exists:
            record.decide(decide(record.service, record.decided, self._ledger, self._class, record.owner))
            self._claim(record)
        unmet = record.unmet
        self._waiting.put(record.seniority, unmet.awaits if unmet else frozenset())
        if record.is_forgotten:
            del self._records[record.key]

    def _claim(self, record: Record) -> None:
        """Bring its claims into the ledger, and see whom that concerns."""
        for address in self._ledger.claim(record.seniority, record.claims):
            for key in self._ledger.claimants(address):
                heappush(self._todo, self._records[key].seniority)
            if self._ledger.holder(address) is None:
                self._set_free(address)

    def _set_free(self, address: IPAddress) -> None:
        self._free[address] = None
        if space := self._ledger.space_of(address):
            self._free[Vacancy(space.pool.name, Family.of(address))] = None
