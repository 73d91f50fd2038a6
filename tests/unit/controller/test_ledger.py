from bgp_config.names import Family
from controller.ledger import Ledger, Seniority
from herald.kube.objects import Service
from tests.builders import ip
from tests.unit.controller.build import config, key, lb, ledger, pool

A, B = "10.0.0.1", "10.0.0.2"
POOL = pool("p", "10.0.0.1-10.0.0.2")
OLD, YOUNG = lb("old", created="2026-01-01T00:00:00Z"), lb("young", created="2026-01-02T00:00:00Z")


def claim(book: Ledger, service: Service, *texts: str) -> set[str]:
    """The addresses that have another holder now."""
    return {str(a) for a in book.claim(Seniority.of(service), frozenset(ip(text) for text in texts))}


def free(book: Ledger) -> str | None:
    address = book.pools[POOL.name].lowest_free(Family.IPV4)
    return str(address) if address else None


def test_a_claimed_address_is_not_free_until_the_claim_is_dropped() -> None:
    book = ledger(POOL)
    assert claim(book, YOUNG, A) == {A}
    assert (free(book), book.holder(ip(A))) == (B, YOUNG.key)
    assert claim(book, YOUNG) == {A}
    assert (free(book), book.holder(ip(A))) == (A, None)


def test_of_several_claimants_the_oldest_holds_whoever_came_first() -> None:
    book = ledger(POOL)
    claim(book, YOUNG, A)
    assert claim(book, OLD, A) == {A}
    assert book.holder(ip(A)) == OLD.key
    assert book.claimants(ip(A)) == {OLD.key, YOUNG.key}


def test_when_the_holder_goes_the_next_claimant_holds_and_the_address_is_not_free() -> None:
    book = ledger(POOL, held=[lb("old", A, created=OLD.metadata.creation_timestamp)])
    claim(book, YOUNG, A)
    assert claim(book, OLD) == {A}
    assert (book.holder(ip(A)), free(book)) == (YOUNG.key, B)


def test_of_the_same_age_the_first_by_name_holds() -> None:
    book = ledger(POOL)
    claim(book, lb("b"), A)
    claim(book, lb("a"), A)
    assert book.holder(ip(A)) == key("a")


def test_a_claim_replaces_the_one_before_and_may_change_its_age() -> None:
    book = ledger(POOL)
    claim(book, YOUNG, A)
    claim(book, lb("young", created="2020-01-01T00:00:00Z"), A, B)
    claim(book, OLD, A)
    assert book.holder(ip(A)) == YOUNG.key
    claim(book, YOUNG, B)
    assert (book.holder(ip(A)), book.holder(ip(B))) == (OLD.key, YOUNG.key)


def test_the_same_claim_again_changes_nothing() -> None:
    book = ledger(POOL)
    claim(book, OLD, A)
    assert claim(book, OLD, A) == set()


def test_an_address_stays_held_when_its_pool_goes_and_is_not_free_when_the_pool_comes_back() -> None:
    book = ledger(POOL)
    claim(book, OLD, A)
    book.set_pools(config(), [])
    assert (book.holder(ip(A)), book.space_of(ip(A))) == (OLD.key, None)
    book.set_pools(config(POOL), [])
    assert free(book) == B


def test_an_address_dropped_while_its_pool_is_gone_is_free_when_the_pool_comes_back() -> None:
    book = ledger(POOL)
    claim(book, OLD, A)
    book.set_pools(config(), [])
    claim(book, OLD)
    book.set_pools(config(POOL), [])
    assert free(book) == A
