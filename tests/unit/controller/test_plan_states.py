"""A cluster, a controller that may die at any moment, and whoever edits Services and pools, in every order.

The machine keeps the truth: objects, and what is written about them. The controller sees it late. Beside it runs a twin that
decides every Service each time, and must come to the same.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import ClassVar

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bgp_config.names import Family, IPAddress, PoolName
from controller.allocate import Assigned, NotOurs, Vacancy
from controller.plan import KINDS, Plan
from controller.reasons import PendingReason
from controller.record import Forget, SayPending, SetIngress, Write
from controller.request import Request, read_request
from controller.word import ALL_IS_WELL, ASSIGNED
from herald.kube.objects import (
    Condition,
    ConfigManifest,
    Ingress,
    IPFamilyPolicy,
    Kind,
    LoadBalancerStatus,
    ObjectKey,
    Service,
    ServiceStatus,
)
from herald.kube.source import Change, Gone, Synced, Upsert
from tests.unit.controller.build import CLASS, blocks, lb, node, pool_manifest

NAMES = [f"s{n}" for n in range(6)]
NODE = node("node1", "10.0.0.1")
SIZES: Mapping[str, list[list[str]]] = {
    "a": [["10.0.0.0/31"], ["10.0.0.0/30"], ["10.0.0.0/30", "2001:db8::/127"]],
    "b": [["10.1.0.0/32"], ["10.1.0.0/31", "2001:db8:1::/128"]],
    "manual": [["10.9.0.0/31"]],
}
BASES = {"a": blocks("10.0.0.0-10.0.0.255", "2001:db8::-2001:db8::ff"), "b": blocks("10.1.0.0-10.1.0.255", "2001:db8:1::")}
BASES["manual"] = blocks("10.9.0.0-10.9.0.255")

services = st.builds(
    lb,
    st.sampled_from(NAMES),
    created=st.sampled_from([None, "2026-01-01", "2026-01-02"]),
    ips=st.sampled_from([None, None, "10.0.0.0", "10.0.0.2", "10.0.0.1", "2001:db8::1", "10.9.0.1", "192.0.2.1"]),
    pool=st.sampled_from([None, None, None, "a", "b", "manual", "nowhere"]),
    families=st.sampled_from([[], [], ["IPv4"], ["IPv6"], ["IPv6", "IPv4"]]),
    policy=st.sampled_from([None, *IPFamilyPolicy]),
    class_=st.sampled_from([None, None, None, CLASS, "other"]),
    type_=st.sampled_from(["LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP"]),
)


class DirectoryMachine(RuleBasedStateMachine):
    """The status is kept by name and outlives the object until it is forgotten."""

    status_outlives_object: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[ObjectKey, Service] = {}
        self.pools: dict[str, ConfigManifest] = {}
        self.status: dict[ObjectKey, tuple[IPAddress, ...]] = {}
        self.signed: set[ObjectKey] = set()  # those whose status has Herald's condition
        self.lives = 0
        self.start()

    # The truth, and how it reaches the controller.

    def start(self) -> None:
        """A new life of the controller. All that it knows is what is there."""
        self.plan, self.twin = Plan(CLASS), Plan(CLASS)
        self.in_flight: list[Write] = []
        self.unseen: dict[tuple[Kind, ObjectKey], Change] = {}
        self.versions: dict[ObjectKey, list[Service]] = {key: [each] for key, each in self.objects.items()}
        for key in sorted(self.status) if self.status_outlives_object else ():
            left = self.shown(lb(key.name), key)
            for change in (Upsert(Kind.SERVICE, key, left), Gone(Kind.SERVICE, key)):
                self.tell(change)
        for key in self.objects:
            self.notify(key)
        self.unseen[Kind.NODE, NODE.key] = Upsert(Kind.NODE, NODE.key, NODE)
        for each in self.pools.values():
            self.unseen[each.kind, each.key] = Upsert(each.kind, each.key, each)
        self.unsynced = set(KINDS)

    def tell(self, change: Change) -> None:
        self.plan.apply(change)
        self.twin.apply(change)

    def shown(self, service: Service, key: ObjectKey) -> Service:
        ingress = [Ingress(ip=str(vip)) for vip in self.status.get(key, ())]
        conditions = [Condition(type=ASSIGNED, status="True", reason=ALL_IS_WELL)] if key in self.signed else []
        status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress), conditions=conditions)
        return msgspec.structs.replace(service, status=status)

    def notify(self, key: ObjectKey) -> None:
        service = self.objects.get(key)
        self.unseen[Kind.SERVICE, key] = (
            Upsert(Kind.SERVICE, key, self.shown(service, key)) if service else Gone(Kind.SERVICE, key)
        )

    # What people do.

    @rule(service=services)
    def create_or_edit(self, service: Service) -> None:
        key = service.key
        known = self.objects.get(key)
        if known is None:
            self.lives += 1
            uid = "" if self.status_outlives_object else str(self.lives)
            self.objects[key] = msgspec.structs.replace(service, metadata=msgspec.structs.replace(service.metadata, uid=uid))
        else:
            kept = {"created": known.metadata.creation_timestamp, "uid": known.metadata.uid}
            metadata = msgspec.structs.replace(service.metadata, creation_timestamp=kept["created"], uid=known.metadata.uid)
            # Another class too: an API server takes that in two edits, of which the controller may see the second only.
            self.objects[key] = msgspec.structs.replace(service, metadata=metadata)
        self.versions.setdefault(key, []).append(self.objects[key])
        self.notify(key)

    @precondition(lambda self: self.objects)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.objects)))
        del self.objects[key]
        if not self.status_outlives_object:
            self.status.pop(key, None)
            self.signed.discard(key)
        self.notify(key)

    @rule(name=st.sampled_from(sorted(SIZES)), data=st.data())
    def set_pool(self, name: str, data: st.DataObject) -> None:
        pool = pool_manifest(name, *data.draw(st.sampled_from(SIZES[name])), auto_assign=name != "manual")
        self.pools[name] = pool
        self.unseen[pool.kind, pool.key] = Upsert(pool.kind, pool.key, pool)

    @precondition(lambda self: self.pools)
    @rule(data=st.data())
    def delete_pool(self, data: st.DataObject) -> None:
        pool = self.pools.pop(data.draw(st.sampled_from(sorted(self.pools))))
        self.unseen[pool.kind, pool.key] = Gone(pool.kind, pool.key)

    # What the controller and its source do.

    @initialize(data=st.data())
    def start_with_pools_and_services(self, data: st.DataObject) -> None:
        for name in sorted(SIZES):
            self.set_pool(name, data)
        for service in data.draw(st.lists(services, max_size=8)):
            self.create_or_edit(service)
        if data.draw(st.booleans()):
            self.observe_all()

    @precondition(lambda self: self.unseen)
    @rule(data=st.data())
    def observe_some(self, data: st.DataObject) -> None:
        for what in data.draw(st.lists(st.sampled_from(sorted(self.unseen)), unique=True, min_size=1)):
            self.deliver(what)
        self.settle()

    @rule()
    def observe_all(self) -> None:
        for what in sorted(self.unseen):
            self.deliver(what)
        for kind in sorted(self.unsynced):
            self.tell(Synced(kind))
        self.unsynced = set()
        self.settle()

    def deliver(self, what: tuple[Kind, ObjectKey]) -> None:
        self.tell(self.unseen.pop(what))
        kind, key = what
        if kind is Kind.SERVICE:
            self.versions[key] = [self.objects[key]] if key in self.objects else []

    def settle(self) -> None:
        self.plan.settle()
        self.twin.decide_all()

    @rule(data=st.data())
    def begin_a_write(self, data: st.DataObject) -> None:
        waiting = [key for key in sorted(self.plan.records) if self.plan.next_write(key)]
        if waiting:
            self.begin(data.draw(st.sampled_from(waiting)))

    def begin(self, key: ObjectKey) -> None:
        write = self.plan.next_write(key)
        assert write is not None
        self.in_flight.append(write)
        self.plan.begin(write)
        self.twin.begin(write)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), landed=st.booleans(), answered=st.booleans())
    def end_a_write(self, data: st.DataObject, landed: bool, answered: bool) -> None:  # noqa: FBT001 -- drawn
        write = data.draw(st.sampled_from(self.in_flight))
        self.in_flight.remove(write)
        landed = landed and self.land(write)
        self.answer(write, done=landed and answered)

    def answer(self, write: Write, *, done: bool) -> None:
        for plan in (self.plan, self.twin):
            if done:
                plan.acknowledge(write)
            else:
                plan.fail(write)
        self.settle()

    @rule()
    def write_all(self) -> None:
        """As when nothing disturbs: each write begins and ends, and what follows from it too."""
        for write in self.in_flight:
            self.answer(write, done=self.land(write))
        self.in_flight = []
        for _ in range(100):
            waiting = [key for key in sorted(self.plan.records) if self.plan.next_write(key)]
            if not waiting:
                return
            self.begin(waiting[0])
            write = self.in_flight.pop()
            if not self.land(write):
                self.answer(write, done=False)
                return
            self.answer(write, done=True)
        raise AssertionError("it never settles")

    def land(self, write: Write) -> bool:
        """Makes it true, if the API or the directory takes it."""
        key = write.service.key
        there = self.objects.get(key)
        if not self.status_outlives_object and (there is None or there.metadata.uid != write.service.metadata.uid):
            return isinstance(write, Forget)
        before = self.status.get(key, ())
        match write:
            case SetIngress(_, vips):
                self.status[key] = vips
            case Forget():
                self.status.pop(key, None)
            case SayPending():
                self.sign(write)
                return True
        self.sign(write)
        self.never_moved(key, write, before)
        self.notify(key)
        return True

    def sign(self, write: Write) -> None:
        """In a directory there are no conditions."""
        if isinstance(write, Forget):
            self.signed.discard(write.service.key)
        elif not self.status_outlives_object:
            self.signed.add(write.service.key)

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        for write in self.in_flight:
            if data.draw(st.booleans()):
                self.land(write)
        self.start()

    # What must hold.

    def never_moved(self, key: ObjectKey, write: Write, before: tuple[IPAddress, ...]) -> None:
        """A VIP is dropped only when some version of the Service that the controller may have acted on gave it up."""
        if isinstance(write, Forget) and self.status_outlives_object:
            return  # it was gone
        for vip in set(before) - set(self.status.get(key, ())):
            assert any(gave_up(version, vip, before) for version in [write.service, *self.versions.get(key, [])]), (key, vip)

    @invariant()
    def no_address_is_given_twice(self) -> None:
        all_vips = [vip for vips in self.status.values() for vip in vips]
        assert len(set(all_vips)) == len(all_vips), self.status

    @invariant()
    def no_forbidden_address_is_given(self) -> None:
        assert "10.0.0.1" not in {str(vip) for vips in self.status.values() for vip in vips}

    @invariant()
    def incremental_equals_full(self) -> None:
        if self.plan._dirty or self.plan._guard_dirty or self.plan.unsynced:
            return
        assert comparable(self.plan) == comparable(self.twin)

    @invariant()
    def who_has_no_vip_knows_why(self) -> None:
        for record in self.plan.records.values():
            if record.exists and not record.decided and record.outcome not in {None, NotOurs()}:
                assert record.unmet is not None
                assert record.unmet.message

    def teardown(self) -> None:
        """Left alone, everything settles: what is decided is written, and nobody waits for what is free."""
        for _ in range(5):
            self.observe_all()
            self.write_all()
        assert not self.unseen
        self.no_address_is_given_twice()
        self.incremental_equals_full()
        self.status_says_what_is_decided()
        self.nobody_waits_for_what_is_free()

    def status_says_what_is_decided(self) -> None:
        assert self.plan.records.keys() == self.objects.keys()
        for key, record in self.plan.records.items():
            if isinstance(record.outcome, Assigned):
                assert self.status.get(key) == record.decided or set(self.status[key]) == set(record.decided)
                assert record.decided
            else:
                assert not self.status.get(key)

    def nobody_waits_for_what_is_free(self) -> None:
        taken = {vip for vips in self.status.values() for vip in vips}
        for record in self.plan.records.values():
            unmet = record.unmet
            if unmet is None:
                continue
            free = [vip for vip in addresses_of(self.pools) if vip not in taken and str(vip) != "10.0.0.1"]
            places = {(pool_of(vip), Family.of(vip)) for vip in free}
            if unmet.reason in {PendingReason.POOLS_EXHAUSTED, PendingReason.REQUESTED_IP_TAKEN}:
                for awaited in unmet.awaits:
                    assert tuple(awaited) not in places if isinstance(awaited, Vacancy) else awaited in taken, awaited


class APIMachine(DirectoryMachine):
    """The status is part of the object and goes with it; each life of a Service has a uid of its own."""

    status_outlives_object = False


def comparable(plan: Plan) -> Mapping[ObjectKey, tuple[object, ...]]:
    """All that is known, but for which of two families is named when both are missing."""
    return {
        key: (r.service, r.exists, r.decided, r.unsure, type(r.outcome), r.unmet is None, r.touched, r.writing)
        if len(families_of(r.service)) > 1
        else (r.service, r.exists, r.outcome, r.decided, r.unsure, r.said, r.touched, r.writing)
        for key, r in plan.records.items()
    }


def families_of(service: Service) -> tuple[Family, ...]:
    request = read_request(service)
    return request.families if isinstance(request, Request) else ()


def pool_of(vip: IPAddress) -> PoolName:
    return next(PoolName(name) for name, ranges in BASES.items() if any(vip in each for each in ranges))


def addresses_of(pools: Mapping[str, ConfigManifest]) -> list[IPAddress]:
    return [vip for pool in pools.values() for block in pool.spec["blocks"] for vip in ip_network(block["cidr"])]


def gave_up(service: Service, vip: IPAddress, before: tuple[IPAddress, ...]) -> bool:
    """Does its owner ask for something that this VIP is not."""
    if not service.is_load_balancer or service.spec.load_balancer_class not in {None, CLASS}:
        return True
    request = read_request(service)
    if not isinstance(request, Request):
        return False
    family = Family.of(vip)
    if request.families and family not in request.families:
        return True
    narrowed = len(before) > 1 or request.addresses  # it had both, or asks for an address of the other
    if request.policy is IPFamilyPolicy.SINGLE_STACK and family not in request.addresses and narrowed:
        return True
    if request.addresses.get(family, vip) != vip:
        return True
    return request.pool is not None and pool_of(vip) != request.pool


TestInADirectory = DirectoryMachine.TestCase
TestInADirectory.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestOnTheAPI = APIMachine.TestCase
TestOnTheAPI.settings = TestInADirectory.settings
