import pytest

from bgp_config.config import Pool
from controller.allocate import Assigned, Disputed, NotOurs, Outcome, Pending, Unmet
from controller.reasons import PendingReason
from herald.kube.objects import Service
from tests.builders import ip
from tests.unit.controller.build import CLASS, PREFER, REQUIRE, SINGLE, decided, lb, ledger, pool

A = pool("a", "10.0.0.1-10.0.0.2", "2001:db8::1-2001:db8::2")
B = pool("b", "10.1.0.1-10.1.0.2")
V6_ONLY = pool("v6", "2001:db8::1")
MANUAL = pool("manual", "10.9.0.1-10.9.0.9", auto_assign=False)


def vips(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Assigned), outcome
    return [str(vip) for vip in outcome.vips]


def unmet(outcome: Outcome) -> Unmet:
    assert isinstance(outcome, Assigned | Pending | Disputed)
    assert outcome.unmet is not None
    return outcome.unmet


def reason(outcome: Outcome) -> PendingReason:
    assert isinstance(outcome, Pending)
    assert outcome.unmet.message
    return outcome.unmet.reason


class TestWhoseServices:
    @pytest.mark.parametrize("service", [lb(), lb(class_=CLASS)])
    def test_those_of_herald_s_class_or_of_none_get_a_vip(self, service: Service) -> None:
        assert vips(decided(service, ledger(A))) == ["10.0.0.1"]

    @pytest.mark.parametrize("service", [lb(class_="other"), lb(type_="ClusterIP"), lb("web", "10.0.0.1", class_="other")])
    def test_others_are_none_of_its_business(self, service: Service) -> None:
        assert decided(service, ledger(A)) == NotOurs()

    def test_one_that_is_being_deleted_keeps_its_vip_and_gets_no_new_one(self) -> None:
        assert decided(lb("web", "10.0.0.2", deleting=True), ledger(A)) == Assigned((ip("10.0.0.2"),))
        assert reason(decided(lb(deleting=True), ledger(A))) is PendingReason.TERMINATING


class TestFromPools:
    def test_the_lowest_free_address_of_the_first_pool_by_name(self) -> None:
        assert vips(decided(lb(), ledger(B, A, held=[lb("other", "10.0.0.1")]))) == ["10.0.0.2"]

    def test_the_next_pool_when_the_first_is_full(self) -> None:
        held = [lb("x", "10.0.0.1"), lb("y", "10.0.0.2")]
        assert vips(decided(lb(), ledger(A, B, held=held))) == ["10.1.0.1"]

    def test_all_full(self) -> None:
        outcome = decided(lb(), ledger(pool("a", "10.0.0.1"), pool("b", "10.1.0.1"), held=[lb("x", "10.0.0.1", "10.1.0.1")]))
        assert reason(outcome) is PendingReason.POOLS_EXHAUSTED
        assert len(unmet(outcome).awaits) == 2

    def test_no_pool_at_all_or_none_that_gives_unasked(self) -> None:
        assert reason(decided(lb(), ledger())) is PendingReason.NO_POOL
        assert reason(decided(lb(), ledger(MANUAL))) is PendingReason.NO_POOL

    def test_a_forbidden_address_is_passed_over(self) -> None:
        assert vips(decided(lb(), ledger(A, forbidden=["10.0.0.1"]))) == ["10.0.0.2"]


class TestFamilies:
    def test_left_open_it_is_ipv4_where_a_pool_has_it_else_ipv6(self) -> None:
        assert vips(decided(lb(), ledger(A))) == ["10.0.0.1"]
        assert vips(decided(lb(), ledger(V6_ONLY))) == ["2001:db8::1"]
        assert vips(decided(lb(), ledger(V6_ONLY, MANUAL))) == ["2001:db8::1"]

    def test_left_open_a_full_pool_does_not_make_it_another_family(self) -> None:
        book = ledger(A, held=[lb("x", "10.0.0.1", "10.0.0.2")])
        assert reason(decided(lb(), book)) is PendingReason.POOLS_EXHAUSTED

    def test_the_family_that_it_names(self) -> None:
        assert vips(decided(lb(families=["IPv6"]), ledger(A))) == ["2001:db8::1"]
        assert reason(decided(lb(families=["IPv6"]), ledger(B))) is PendingReason.FAMILY_NOT_AVAILABLE

    def test_both_in_the_order_of_the_service(self) -> None:
        both = ["IPv6", "IPv4"]
        assert vips(decided(lb(families=both, policy=PREFER), ledger(A))) == ["2001:db8::1", "10.0.0.1"]
        assert vips(decided(lb(families=both, policy=REQUIRE), ledger(A))) == ["2001:db8::1", "10.0.0.1"]

    def test_both_may_come_from_different_pools(self) -> None:
        assert vips(decided(lb(policy=REQUIRE), ledger(B, V6_ONLY))) == ["10.1.0.1", "2001:db8::1"]

    def test_required_are_both_or_none(self) -> None:
        outcome = decided(lb(policy=REQUIRE), ledger(B))
        assert reason(outcome) is PendingReason.FAMILY_NOT_AVAILABLE

    def test_preferred_is_one_where_no_pool_has_the_other(self) -> None:
        assert decided(lb(policy=PREFER), ledger(B)) == Assigned((ip("10.1.0.1"),))
        assert decided(lb(policy=PREFER), ledger(V6_ONLY)) == Assigned((ip("2001:db8::1"),))

    def test_preferred_is_one_while_the_other_is_exhausted_which_is_said(self) -> None:
        outcome = decided(lb(policy=PREFER), ledger(A, held=[lb("x", "2001:db8::1", "2001:db8::2")]))
        assert vips(outcome) == ["10.0.0.1"]
        assert unmet(outcome).reason is PendingReason.POOLS_EXHAUSTED

    def test_a_second_family_is_added_and_the_first_stays(self) -> None:
        assert vips(decided(lb("web", "10.0.0.2", policy=REQUIRE), ledger(A))) == ["10.0.0.2", "2001:db8::1"]
        assert vips(decided(lb("web", "2001:db8::2", policy=PREFER), ledger(A))) == ["10.0.0.1", "2001:db8::2"]

    def test_a_family_that_it_gives_up_is_taken_back(self) -> None:
        both = ("10.0.0.2", "2001:db8::2")
        assert vips(decided(lb("web", *both, families=["IPv6"], policy=SINGLE), ledger(A))) == ["2001:db8::2"]
        assert vips(decided(lb("web", *both, policy=SINGLE), ledger(A))) == ["10.0.0.2"]

    def test_what_it_has_is_kept_until_the_family_that_it_asks_for_can_be_given(self) -> None:
        outcome = decided(lb("web", "10.1.0.2", families=["IPv6"]), ledger(B))
        assert vips(outcome) == ["10.1.0.2"]
        assert unmet(outcome).reason is PendingReason.FAMILY_NOT_AVAILABLE
        outcome = decided(lb("web", "10.1.0.2", policy=REQUIRE), ledger(B))
        assert vips(outcome) == ["10.1.0.2"]


class TestRequestedAddress:
    def test_is_given_if_free_also_from_a_pool_that_gives_nothing_unasked(self) -> None:
        assert vips(decided(lb(ips="10.0.0.2"), ledger(A))) == ["10.0.0.2"]
        assert vips(decided(lb(load_balancer_ip="10.9.0.5"), ledger(A, MANUAL))) == ["10.9.0.5"]

    def test_says_the_family_where_that_is_open(self) -> None:
        assert vips(decided(lb(ips="2001:db8::2"), ledger(A))) == ["2001:db8::2"]

    def test_of_one_family_leaves_the_other_to_the_pools(self) -> None:
        assert vips(decided(lb(ips="2001:db8::2", policy=REQUIRE), ledger(A))) == ["10.0.0.1", "2001:db8::2"]

    @pytest.mark.parametrize(
        ("service", "why"),
        [
            (lb(ips="192.0.2.1"), PendingReason.REQUESTED_IP_NOT_IN_POOL),
            (lb(ips="10.1.0.1", pool="a"), PendingReason.REQUESTED_IP_NOT_IN_POOL),
            (lb(ips="10.0.0.2", pool="nowhere"), PendingReason.REQUESTED_POOL_UNKNOWN),
            (lb(ips="10.0.0.1"), PendingReason.REQUESTED_IP_FORBIDDEN),
            (lb(ips="10.1.0.2"), PendingReason.REQUESTED_IP_TAKEN),
            (lb(ips="10.0.0.256"), PendingReason.BAD_REQUESTED_IP),
        ],
    )
    def test_otherwise_the_service_waits_and_says_why(self, service: Service, why: PendingReason) -> None:
        book = ledger(A, B, forbidden=["10.0.0.1"], held=[lb("other", "10.1.0.2")])
        assert reason(decided(service, book)) is why

    def test_one_that_is_taken_is_awaited_and_its_holder_named(self) -> None:
        outcome = unmet(decided(lb(ips="10.1.0.2"), ledger(B, held=[lb("other", "10.1.0.2")])))
        assert outcome.awaits == {ip("10.1.0.2")}
        assert "shop/other" in outcome.message

    def test_another_than_it_has_replaces_that_one(self) -> None:
        assert vips(decided(lb("web", "10.0.0.1", ips="10.0.0.2"), ledger(A))) == ["10.0.0.2"]

    def test_what_it_has_is_kept_as_long_as_the_other_cannot_be_given(self) -> None:
        outcome = decided(lb("web", "10.0.0.1", ips="10.0.0.2"), ledger(A, held=[lb("other", "10.0.0.2")]))
        assert vips(outcome) == ["10.0.0.1"]
        assert unmet(outcome).reason is PendingReason.REQUESTED_IP_TAKEN

    def test_no_longer_asked_for_it_is_kept(self) -> None:
        assert vips(decided(lb("web", "10.9.0.5"), ledger(A, MANUAL))) == ["10.9.0.5"]


class TestRequestedPool:
    def test_gives_also_what_it_does_not_give_unasked(self) -> None:
        assert vips(decided(lb(pool="manual"), ledger(A, MANUAL))) == ["10.9.0.1"]
        assert vips(decided(lb(pool="b"), ledger(A, B))) == ["10.1.0.1"]

    @pytest.mark.parametrize(
        ("service", "why"),
        [
            (lb(pool="nowhere"), PendingReason.REQUESTED_POOL_UNKNOWN),
            (lb(pool="b"), PendingReason.POOLS_EXHAUSTED),
            (lb(pool="b", families=["IPv6"]), PendingReason.FAMILY_NOT_AVAILABLE),
        ],
    )
    def test_no_other_pool_stands_in(self, service: Service, why: PendingReason) -> None:
        book = ledger(A, B, held=[lb("other", "10.1.0.1", "10.1.0.2")])
        assert reason(decided(service, book)) is why

    def test_another_than_it_is_in_moves_it_once_that_has_a_free_address(self) -> None:
        assert vips(decided(lb("web", "10.0.0.1", pool="b"), ledger(A, B))) == ["10.1.0.1"]
        outcome = decided(lb("web", "10.0.0.1", pool="b"), ledger(A, B, held=[lb("x", "10.1.0.1", "10.1.0.2")]))
        assert vips(outcome) == ["10.0.0.1"]
        assert unmet(outcome).reason is PendingReason.POOLS_EXHAUSTED


class TestAVIPNeverMovesByItself:
    @pytest.mark.parametrize(
        "pools",
        [[], [B], [pool("a", "10.0.0.1")], [pool("a", "10.0.0.1-10.0.0.2", auto_assign=False)]],
        ids=["pool deleted", "other pool", "pool shrunk", "no longer autoAssign"],
    )
    def test_whatever_becomes_of_its_pool(self, pools: list[Pool]) -> None:
        book = ledger(*pools)
        assert decided(lb("web", "10.0.0.2"), book) == Assigned((ip("10.0.0.2"),))

    def test_though_it_asked_for_the_pool_that_shrank(self) -> None:
        assert vips(decided(lb("web", "10.0.0.2", pool="a"), ledger(pool("a", "10.0.0.1"), B))) == ["10.0.0.2"]

    def test_though_it_asked_for_the_pool_that_is_gone_which_is_said(self) -> None:
        outcome = decided(lb("web", "10.0.0.2", pool="a"), ledger(B))
        assert vips(outcome) == ["10.0.0.2"]
        assert unmet(outcome).reason is PendingReason.REQUESTED_POOL_UNKNOWN

    def test_though_it_asked_for_an_address_that_is_in_no_pool_any_more(self) -> None:
        assert decided(lb("web", "10.0.0.2", ips="10.0.0.2"), ledger(B)) == Assigned((ip("10.0.0.2"),))

    def test_though_a_node_has_the_address_now(self) -> None:
        assert vips(decided(lb("web", "10.0.0.2"), ledger(A, forbidden=["10.0.0.2"]))) == ["10.0.0.2"]

    def test_though_someone_cleared_or_changed_the_status(self) -> None:
        assert vips(decided(lb("web"), ledger(A), "10.0.0.2")) == ["10.0.0.2"]
        assert vips(decided(lb("web", "10.0.0.1"), ledger(A), "10.0.0.2")) == ["10.0.0.2"]

    def test_though_the_request_turned_into_nonsense_which_is_said(self) -> None:
        outcome = decided(lb("web", "10.0.0.2", ips="?"), ledger(A))
        assert vips(outcome) == ["10.0.0.2"]
        assert unmet(outcome).reason is PendingReason.BAD_REQUESTED_IP


class TestTwoServicesShowTheSameAddress:
    OLD, YOUNG = lb("z", "10.0.0.1", created="2026-01-01T00:00:00Z"), lb("a", "10.0.0.1", created="2026-01-02T00:00:00Z")

    def test_the_older_keeps_it(self) -> None:
        assert decided(self.OLD, ledger(A, held=[self.YOUNG])) == Assigned((ip("10.0.0.1"),))

    def test_the_younger_waits_and_its_status_is_left_as_it_is(self) -> None:
        outcome = decided(self.YOUNG, ledger(A, held=[self.OLD]))
        assert isinstance(outcome, Disputed)
        assert outcome.unmet.reason is PendingReason.DUPLICATE_ADDRESS
        assert "shop/z" in outcome.unmet.message

    def test_the_younger_gets_another_once_its_status_is_cleared(self) -> None:
        cleared = lb("a", created="2026-01-02T00:00:00Z")
        assert vips(decided(cleared, ledger(A, held=[self.OLD]), "10.0.0.1")) == ["10.0.0.2"]


@pytest.mark.parametrize("word", PendingReason)
def test_every_reason_has_a_remedy(word: PendingReason) -> None:
    assert word.remedy
    assert word.value[0].islower()
