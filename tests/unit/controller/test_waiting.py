from bgp_config.names import Family, PoolName
from controller.allocate import Vacancy
from controller.ledger import Seniority
from controller.waiting import Waiting
from tests.builders import ip
from tests.unit.controller.build import key

ADDRESS, VACANCY = ip("10.0.0.1"), Vacancy(PoolName("p"), Family.IPV4)
FIRST, SECOND, THIRD = (Seniority(f"2026-01-0{n}", key(f"s{n}")) for n in (1, 2, 3))


def test_the_oldest_is_first_in_the_queue_whoever_came_first() -> None:
    waiting = Waiting()
    for who in (SECOND, THIRD, FIRST):
        waiting.put(who, frozenset({VACANCY}))
    assert waiting.next_after(VACANCY, None) == FIRST
    assert waiting.next_after(VACANCY, FIRST) == SECOND
    assert waiting.next_after(VACANCY, THIRD) is None
    assert waiting.next_after(ADDRESS, None) is None


def test_a_service_stands_in_every_queue_that_it_names_and_in_no_other() -> None:
    waiting = Waiting()
    waiting.put(FIRST, frozenset({VACANCY, ADDRESS}))
    waiting.put(FIRST, frozenset({ADDRESS}))
    assert waiting.next_after(VACANCY, None) is None
    assert waiting.next_after(ADDRESS, None) == FIRST
    waiting.put(FIRST, frozenset())
    assert waiting.next_after(ADDRESS, None) is None


def test_a_service_created_again_has_only_its_new_place() -> None:
    waiting = Waiting()
    waiting.put(Seniority("2020-01-01", SECOND.key), frozenset({VACANCY}))
    waiting.put(FIRST, frozenset({VACANCY}))
    waiting.put(SECOND, frozenset({VACANCY}))
    assert waiting.next_after(VACANCY, None) == FIRST
    assert waiting.next_after(VACANCY, SECOND) is None
