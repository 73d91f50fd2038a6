"""The gate: what waits for what, for how long, and what it counts."""

from bgp_config.names import Family
from herald.kube.objects import ObjectKey, TrafficPolicy
from speaker.gate import OVERDUE_POLL_S, POLL_S, AnsweredKnowledge, Gate, Interest, Released, wanted
from speaker.kube_proxy import HealthCheck, Wanted
from speaker.recent import Changed
from tests.builders import ip, node, service

WEB = (ObjectKey("default", "web"), ip("198.51.100.1"))
DB = (ObjectKey("default", "db"), ip("198.51.100.2"))


class Knows:
    """A data path of which the test says what it has."""

    def __init__(self) -> None:
        self.everything = False
        self.looks = 0

    def has(self, wanted: Wanted) -> bool:
        del wanted
        self.looks += 1
        return self.everything


def plain(since: float, check: HealthCheck | None = None, endpoints_changed: float | None = None) -> Wanted:
    return Wanted(since=since, family=Family.IPV4, health_check=check, endpoints_changed=endpoints_changed)


def test_it_releases_what_the_data_path_has_once() -> None:
    knows = Knows()
    gate = Gate(knows, limit_s=5)
    gate.begin(WEB, plain(1.0))
    assert gate.release(2.0) == []
    knows.everything = True
    assert gate.release(3.0) == [Released(claim=WEB, waited_s=2.0, overdue=False)]
    assert gate.release(4.0) == []
    assert gate.timeouts == 0


def test_after_the_limit_it_releases_anyway_and_counts_it() -> None:
    gate = Gate(Knows(), limit_s=5)
    gate.begin(WEB, plain(1.0))
    gate.begin(DB, plain(4.0))
    assert gate.release(5.9) == []
    assert gate.release(6.0) == [Released(claim=WEB, waited_s=5.0, overdue=True)]
    assert gate.timeouts == 1
    assert (list(gate.waiting), list(gate.overdue)) == ([DB], [WEB])


def test_what_went_out_without_word_is_released_again_once_when_the_data_path_has_it() -> None:
    knows = Knows()
    gate = Gate(knows, limit_s=5)
    gate.begin(WEB, plain(1.0))
    assert [each.overdue for each in gate.release(6.0)] == [True]
    assert gate.release(7.0) == []
    interest = gate.interest()
    assert interest is not None
    assert interest.every_s == OVERDUE_POLL_S
    knows.everything = True
    gate.heard()
    assert gate.release(90.0) == [Released(claim=WEB, waited_s=89.0, overdue=False)]
    assert (gate.release(91.0), gate.interest(), gate.timeouts) == ([], None, 1)


def test_what_went_out_without_word_is_looked_at_once_per_answer_not_in_every_turn() -> None:
    knows = Knows()
    gate = Gate(knows, limit_s=5)
    gate.begin(WEB, plain(1.0))
    gate.release(6.0)
    knows.looks = 0
    for now in (7.0, 7.1, 7.2):
        gate.release(now)
    assert knows.looks == 0
    gate.heard()
    for now in (8.0, 8.1, 8.2):
        gate.release(now)
    assert knows.looks == 1


def test_what_went_out_without_word_and_is_withdrawn_is_forgotten() -> None:
    gate = Gate(Knows(), limit_s=5)
    gate.begin(WEB, plain(1.0))
    gate.release(6.0)
    gate.end(WEB)
    assert gate.interest() is None


def test_what_is_withdrawn_no_longer_waits() -> None:
    gate = Gate(Knows(), limit_s=5)
    gate.begin(WEB, plain(1.0))
    gate.end(WEB)
    gate.end(DB)
    assert gate.release(100.0) == []


def test_only_health_checks_of_changed_endpoints_are_asked_each_once() -> None:
    check = HealthCheck(ip("10.0.255.1"), 30123)
    gate = Gate(Knows(), limit_s=5)
    assert gate.interest() is None
    gate.begin(WEB, plain(1.0, check))
    assert gate.interest() == Interest(checks=(), every_s=POLL_S)
    gate.begin(WEB, plain(1.0, check, endpoints_changed=0.5))
    gate.begin(DB, plain(1.0, check, endpoints_changed=0.5))
    assert gate.interest() == Interest(checks=(check,), every_s=POLL_S)


def test_a_health_check_is_that_of_a_local_service_at_the_nodes_address_of_the_family() -> None:
    here = node(addresses=("10.0.255.1", "fd00:0:255::1"))
    local = service("web", "198.51.100.1", health_check_node_port=30123)
    cluster = service("web", "198.51.100.1", policy=TrafficPolicy.CLUSTER, health_check_node_port=30123)

    def check(vip: str, of: object = local) -> HealthCheck | None:
        assert of in (local, cluster)
        return wanted(ip(vip), local if of is local else cluster, Changed(), here, 1.0).health_check

    assert check("198.51.100.1") == HealthCheck(ip("10.0.255.1"), 30123)
    assert check("2001:db8:100::1") == HealthCheck(ip("fd00:0:255::1"), 30123)
    assert check("198.51.100.1", cluster) is None


def test_a_url_vouches_for_what_was_wanted_before_it_was_asked() -> None:
    url = AnsweredKnowledge()
    assert not url.has(plain(1.0))
    url.heard(2.0)
    assert url.has(plain(1.0))
    assert not url.has(plain(3.0))
    url.heard(None)
    assert not url.has(plain(1.0))
