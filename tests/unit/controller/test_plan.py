from collections.abc import Iterable

import pytest

from controller.allocate import Assigned
from controller.plan import KINDS, Plan
from controller.reasons import PendingReason
from controller.record import Forget, SayPending, SetIngress, Write
from herald.kube.objects import Kind, KubeObject, ObjectKey, Service
from herald.kube.source import Fresh, Gone, Stale, Synced, Upsert
from tests.builders import ip, manifest
from tests.unit.controller.build import CLASS, REQUIRE, key, lb, node, pool_manifest

TWO = pool_manifest("two", "10.0.0.0/31")
V6 = pool_manifest("v6", "2001:db8::/128")


def plan(*objects: KubeObject, synced: bool = True) -> Plan:
    made = Plan(CLASS)
    for each in objects:
        see(made, each)
    for kind in KINDS if synced else ():
        made.apply(Synced(kind))
    return made


def see(made: Plan, thing: KubeObject) -> None:
    kind = thing.kind if hasattr(thing, "kind") else Kind(type(thing).__name__)
    made.apply(Upsert(kind, thing.key, thing))


def gone(made: Plan, name: str) -> None:
    made.apply(Gone(Kind.SERVICE, key(name)))


def next_writes(made: Plan, names: Iterable[str]) -> list[Write | None]:
    made.settle()
    return [made.next_write(key(name)) for name in names]


def complete(made: Plan, *names: str) -> None:
    """All writes that these Services need are acknowledged, in the order of names."""
    made.settle()
    for name in names:
        while write := made.next_write(key(name)):
            made.begin(write)
            made.acknowledge(write)
            made.settle()


def shown(made: Plan, name: str) -> list[str]:
    return [str(vip) for vip in made.records[key(name)].service.vips]


def reason(made: Plan, name: str) -> PendingReason | None:
    unmet = made.records[key(name)].unmet
    return unmet.reason if unmet else None


class TestBeforeItIsInSync:
    @pytest.mark.parametrize("missing", sorted(KINDS))
    def test_nothing_is_decided_until_every_kind_is_listed(self, missing: Kind) -> None:
        made = plan(lb("web"), TWO, synced=False)
        for kind in KINDS - {missing}:
            made.apply(Synced(kind))
        assert made.settle() == ()
        assert made.next_write(key("web")) is None
        assert made.unsynced == {missing}
        made.apply(Synced(missing))
        assert made.settle() == (key("web"),)
        assert isinstance(made.next_write(key("web")), SetIngress)

    def test_what_services_hold_is_known_before_anything_is_given_away(self) -> None:
        made = plan(lb("first"), lb("second"), TWO, lb("zlast", "10.0.0.0"))
        assert next_writes(made, ["first"]) == [SetIngress(lb("first"), (ip("10.0.0.1"),))]
        assert reason(made, "second") is PendingReason.POOLS_EXHAUSTED
        assert made.next_write(key("zlast")) is None


class TestWorkIsProportionalToTheChange:
    def test_one_service_changed_one_is_decided(self) -> None:
        made = plan(*(lb(f"s{n:04}") for n in range(500)), pool_manifest("p", "10.0.0.0/16"))
        assert len(made.settle()) == 500
        see(made, lb("s0007", ips="10.0.255.255"))
        assert made.settle() == (key("s0007"),)
        gone(made, "s0008")
        assert made.settle() == (key("s0008"),)

    def test_one_address_freed_one_waiting_service_is_decided(self) -> None:
        made = plan(*(lb(f"s{n:04}") for n in range(500)), TWO)
        complete(made, *(f"s{n:04}" for n in range(500)))
        gone(made, "s0000")
        made.settle()
        forget = made.next_write(key("s0000"))
        assert isinstance(forget, Forget)
        made.begin(forget)
        made.acknowledge(forget)
        assert made.settle() == (key("s0000"), key("s0002"))

    def test_a_node_s_heartbeat_decides_nothing(self) -> None:
        made = plan(lb("web"), TWO, node("node1", "10.0.0.0"))
        made.settle()
        see(made, node("node1", "10.0.0.0"))
        assert made.settle() == ()

    def test_a_pool_that_means_the_same_decides_nothing(self) -> None:
        made = plan(lb("web"), TWO)
        made.settle()
        see(made, TWO)
        assert made.settle() == ()


class TestAnAddressIsHeld:
    def test_from_the_decision_on(self) -> None:
        made = plan(lb("a"), TWO)
        made.settle()
        see(made, lb("b"))
        assert next_writes(made, ["a", "b"]) == [
            SetIngress(lb("a"), (ip("10.0.0.0"),)),
            SetIngress(lb("b"), (ip("10.0.0.1"),)),
        ]

    def test_when_the_write_failed_whatever_the_service_asks_for_then(self) -> None:
        made = plan(lb("a"), TWO)
        (write,) = next_writes(made, ["a"])
        assert write is not None
        made.begin(write)
        made.fail(write)
        see(made, lb("a", ips="10.0.0.1"))
        see(made, lb("b", ips="10.0.0.0"))
        assert next_writes(made, ["a"]) == [SetIngress(lb("a", ips="10.0.0.1"), (ip("10.0.0.1"),))]
        assert reason(made, "b") is PendingReason.REQUESTED_IP_TAKEN
        complete(made, "a", "b")
        assert (shown(made, "a"), shown(made, "b")) == (["10.0.0.1"], ["10.0.0.0"])

    def test_by_a_failed_write_only_until_the_status_is_written_again(self) -> None:
        made = plan(lb("a", "10.0.0.0"), TWO)
        made.settle()
        see(made, lb("a", "10.0.0.0", ips="10.0.0.1"))
        (write,) = next_writes(made, ["a"])
        assert write is not None
        made.begin(write)
        made.fail(write)
        see(made, lb("a", "10.0.0.0", ips="10.0.0.0"))
        complete(made, "a")
        see(made, lb("b"))
        complete(made, "b")
        assert (shown(made, "a"), shown(made, "b")) == (["10.0.0.0"], ["10.0.0.1"])

    def test_by_a_failed_write_of_a_service_that_waits_until_its_status_is_cleared(self) -> None:
        made = plan(lb("young", created="2026-01-02"), TWO)
        (write,) = next_writes(made, ["young"])
        assert write is not None
        made.begin(write)
        made.fail(write)
        for name, vip in (("x", "10.0.0.0"), ("y", "10.0.0.1")):
            see(made, lb(name, vip, created="2026-01-01"))
        complete(made, "young")
        assert reason(made, "young") is PendingReason.POOLS_EXHAUSTED
        assert made.records[key("young")].claims == frozenset()

    def test_by_a_service_created_again_while_it_was_being_forgotten(self) -> None:
        made = plan(lb("a"), TWO)
        complete(made, "a")
        gone(made, "a")
        (forget,) = next_writes(made, ["a"])
        assert forget is not None
        made.begin(forget)
        see(made, lb("a", "10.0.0.0"))
        made.settle()
        made.acknowledge(forget)
        assert next_writes(made, ["a"]) == [SetIngress(made.records[key("a")].service, (ip("10.0.0.0"),))]

    def test_after_the_service_is_gone_until_what_was_written_is_forgotten(self) -> None:
        made = plan(lb("a"), pool_manifest("one", "10.0.0.0/32"))
        complete(made, "a")
        see(made, lb("b"))
        gone(made, "a")
        assert next_writes(made, ["a", "b"])[0] == Forget(made.records[key("a")].service)
        assert reason(made, "b") is PendingReason.POOLS_EXHAUSTED
        complete(made, "a", "b")
        assert shown(made, "b") == ["10.0.0.0"]
        assert key("a") not in made.records

    def test_while_a_write_is_on_its_way_for_a_service_that_is_gone(self) -> None:
        made = plan(lb("a"), lb("b"), pool_manifest("one", "10.0.0.0/32"))
        write = next_writes(made, ["a"])[0]
        assert write is not None
        made.begin(write)
        gone(made, "a")
        assert next_writes(made, ["a", "b"])[0] is None
        assert reason(made, "b") is PendingReason.POOLS_EXHAUSTED
        made.acknowledge(write)
        complete(made, "a", "b")
        assert shown(made, "b") == ["10.0.0.0"]

    def test_not_by_a_decision_that_no_write_was_begun_for(self) -> None:
        made = plan(lb("a"), pool_manifest("one", "10.0.0.0/32"))
        made.settle()
        gone(made, "a")
        made.settle()
        see(made, lb("b"))
        assert next_writes(made, ["b"])[0] == SetIngress(lb("b"), (ip("10.0.0.0"),))


class TestWhoWaits:
    def test_says_why_once(self) -> None:
        made = plan(lb("a"))
        (write,) = next_writes(made, ["a"])
        assert isinstance(write, SayPending)
        assert write.unmet.reason is PendingReason.NO_POOL
        complete(made, "a")
        see(made, lb("a"))
        assert next_writes(made, ["a"]) == [None]

    def test_gets_a_freed_address_oldest_first(self) -> None:
        made = plan(*(lb(name, created=f"2026-01-0{age}") for name, age in (("c", 1), ("b", 2), ("a", 3))), TWO)
        complete(made, "a", "b", "c")
        assert shown(made, "a") == []
        see(made, lb("aa", created="2026-01-09"))
        gone(made, "c")
        complete(made, "c", "a", "aa")
        assert (shown(made, "a"), reason(made, "aa")) == (["10.0.0.0"], PendingReason.POOLS_EXHAUSTED)

    def test_is_served_when_a_pool_comes(self) -> None:
        made = plan(lb("a"), lb("b"))
        complete(made, "a", "b")
        see(made, TWO)
        complete(made, "a", "b")
        assert (shown(made, "a"), shown(made, "b")) == (["10.0.0.0"], ["10.0.0.1"])

    def test_is_passed_over_when_the_address_does_not_help_it(self) -> None:
        made = plan(lb("a", policy=REQUIRE), lb("b"), lb("c"), lb("d"), TWO, V6)
        complete(made, "a", "b", "c", "d")
        assert (shown(made, "a"), shown(made, "b")) == (["10.0.0.0", "2001:db8::"], ["10.0.0.1"])
        see(made, lb("bb", policy=REQUIRE))
        complete(made, "bb")
        gone(made, "b")
        complete(made, "b", "bb", "c", "d")
        assert reason(made, "bb") is PendingReason.POOLS_EXHAUSTED
        assert shown(made, "c") == ["10.0.0.1"]


class TestGivingUp:
    @pytest.mark.parametrize("after", [lb("a", "10.0.0.0", type_="ClusterIP"), lb("a", "10.0.0.0", class_="other")])
    def test_what_stops_being_ours_is_cleared_and_then_free(self, after: Service) -> None:
        made = plan(lb("a"), lb("b"), pool_manifest("one", "10.0.0.0/32"))
        complete(made, "a", "b")
        see(made, after)
        assert next_writes(made, ["a"]) == [SetIngress(after, ())]
        assert reason(made, "b") is PendingReason.POOLS_EXHAUSTED
        complete(made, "a", "b")
        assert (shown(made, "a"), shown(made, "b")) == ([], ["10.0.0.0"])

    def test_a_status_left_by_an_earlier_life_on_what_is_no_load_balancer_is_cleared(self) -> None:
        left = lb("a", "10.0.0.0", type_="ClusterIP")
        assert next_writes(plan(left, TWO), ["a"]) == [SetIngress(left, ())]

    def test_the_status_of_another_controller_s_service_is_not_touched_and_its_address_not_given(self) -> None:
        made = plan(lb("a", "10.0.0.0", class_="other"), lb("b"), TWO)
        assert next_writes(made, ["a", "b"]) == [None, SetIngress(lb("b"), (ip("10.0.0.1"),))]

    def test_a_reason_told_is_taken_back_when_it_stops_being_ours(self) -> None:
        made = plan(lb("a"))
        complete(made, "a")
        see(made, lb("a", type_="ClusterIP"))
        assert next_writes(made, ["a"]) == [Forget(lb("a", type_="ClusterIP"))]

    def test_a_plain_service_comes_and_goes_unnoticed(self) -> None:
        made = plan(lb("a", type_="ClusterIP"), TWO)
        assert next_writes(made, ["a"]) == [None]
        gone(made, "a")
        complete(made, "a")
        assert made.records == {}


class TestTheStatus:
    def test_that_someone_cleared_is_written_again(self) -> None:
        made = plan(lb("a"), TWO)
        complete(made, "a")
        see(made, lb("a"))
        assert next_writes(made, ["a"]) == [SetIngress(lb("a"), (ip("10.0.0.0"),))]

    def test_is_not_written_when_it_is_right_in_another_order(self) -> None:
        shown_so = lb("a", "2001:db8::", "10.0.0.0", policy=REQUIRE)
        made = plan(shown_so, TWO, V6)
        assert next_writes(made, ["a"]) == [None]

    def test_of_a_service_whose_wish_is_not_met_keeps_its_vip_and_says_so_until_it_is(self) -> None:
        made = plan(lb("a", "10.0.0.0"), TWO)
        complete(made, "a")
        see(made, lb("a", "10.0.0.0", ips="192.0.2.1"))
        (write,) = next_writes(made, ["a"])
        assert isinstance(write, SayPending)
        complete(made, "a")
        see(made, lb("a", "10.0.0.0"))
        assert next_writes(made, ["a"]) == [SetIngress(lb("a", "10.0.0.0"), (ip("10.0.0.0"),))]


class TestDuplicates:
    OLD, YOUNG = lb("z", "10.0.0.0", created="2026-01-01"), lb("a", "10.0.0.0", created="2026-01-02")

    def test_the_younger_says_so_and_neither_status_is_rewritten(self) -> None:
        made = plan(self.OLD, self.YOUNG, TWO)
        old, young = next_writes(made, ["z", "a"])
        assert old is None
        assert isinstance(young, SayPending)
        assert young.unmet.reason is PendingReason.DUPLICATE_ADDRESS

    def test_an_older_one_that_turns_up_later_makes_the_younger_say_so(self) -> None:
        made = plan(self.YOUNG, TWO)
        made.settle()
        see(made, self.OLD)
        made.settle()
        assert reason(made, "a") is PendingReason.DUPLICATE_ADDRESS

    def test_when_the_older_goes_the_younger_keeps_the_address(self) -> None:
        made = plan(self.OLD, self.YOUNG, TWO)
        complete(made, "z", "a")
        gone(made, "z")
        complete(made, "z", "a")
        assert made.records[key("a")].outcome == Assigned((ip("10.0.0.0"),))


class TestForbiddenAddresses:
    def test_a_node_s_and_a_peer_s_address_is_never_given(self) -> None:
        peer = manifest(
            Kind.BGP_PEER, "tor", {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.0.0.1", "families": ["IPv4"]}
        )
        made = plan(lb("a"), pool_manifest("p", "10.0.0.0/30"), node("node1", "10.0.0.0"), peer)
        assert next_writes(made, ["a"]) == [SetIngress(lb("a"), (ip("10.0.0.2"),))]

    def test_it_can_be_given_when_the_node_is_gone(self) -> None:
        made = plan(lb("a", ips="10.0.0.0"), TWO, node("node1", "10.0.0.0"))
        made.settle()
        assert reason(made, "a") is PendingReason.REQUESTED_IP_FORBIDDEN
        made.apply(Gone(Kind.NODE, ObjectKey("", "node1")))
        complete(made, "a")
        assert shown(made, "a") == ["10.0.0.0"]


class TestConfiguration:
    def test_a_pool_that_is_deleted_moves_nothing(self) -> None:
        made = plan(lb("a"), TWO)
        complete(made, "a")
        made.apply(Gone(Kind.ADDRESS_POOL, TWO.key))
        assert next_writes(made, ["a"]) == [None]
        assert shown(made, "a") == ["10.0.0.0"]

    def test_a_pool_that_turns_bad_stays_in_force_as_it_was(self) -> None:
        made = plan(TWO)
        see(made, pool_manifest("two", "nonsense"))
        see(made, lb("a"))
        complete(made, "a")
        assert shown(made, "a") == ["10.0.0.0"]
        assert [str(name) for name, verdict in made.verdicts.items() if not verdict.accepted] == ["AddressPool/two"]

    def test_a_stale_kind_stays_in_force_and_is_named(self) -> None:
        made = plan(lb("a"), TWO)
        made.apply(Stale(Kind.ADDRESS_POOL, "folder lost"))
        complete(made, "a")
        assert (made.stale, shown(made, "a")) == ({Kind.ADDRESS_POOL: "folder lost"}, ["10.0.0.0"])
        made.apply(Fresh(Kind.ADDRESS_POOL))
        assert made.stale == {}
