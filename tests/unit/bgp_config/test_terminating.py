"""Pools that are being deleted, and renamed: addresses and advertisements go on to mean what they meant."""

from ipaddress import ip_address

from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import AdvertisementName
from bgp_config.store import ConfigStore
from bgp_config.verdict import InForce

ADDRESS = ip_address("10.0.0.7")
CIDR = "10.0.0.0/24"


def put(store: ConfigStore, name: str, cidr: str = CIDR, *, created: str = "", terminating: bool = False) -> None:
    spec = {"blocks": [{"cidr": cidr}]}
    store.upsert(ConfigKind.ADDRESS_POOL, name, created, 1, spec, terminating=terminating)


def advertise(store: ConfigStore, *pools: str) -> None:
    store.upsert(ConfigKind.BGP_ADVERTISEMENT, "adv", "", 1, {"pools": list(pools)})


def pools_of(store: ConfigStore) -> list[str]:
    return [pool.name for pool in store.config.pools_of(ADDRESS)]


def advertised(store: ConfigStore) -> bool:
    return not set(named_by(store)).isdisjoint(pools_of(store))


def named_by(store: ConfigStore) -> list[str]:
    return sorted(store.config.advertisements[AdvertisementName("adv")].pools or ())


def test_a_terminating_pool_still_has_its_addresses() -> None:
    store = ConfigStore()
    put(store, "old", terminating=True)
    assert pools_of(store) == ["old"]


def test_another_pool_may_have_them_and_then_both_names_do_the_new_one_first() -> None:
    store = ConfigStore()
    put(store, "old", created="2025")
    put(store, "new", created="2026")
    assert pools_of(store) == ["old"]
    put(store, "old", created="2025", terminating=True)
    assert pools_of(store) == ["new", "old"]
    assert store.verdicts[ConfigKey(ConfigKind.ADDRESS_POOL, "new")].accepted


def test_an_overlap_with_a_terminating_pool_is_in_order_where_it_is_partial_too() -> None:
    store = ConfigStore()
    put(store, "old", created="2025", terminating=True)
    put(store, "new", "10.0.0.0/29", created="2026")
    assert pools_of(store) == ["new", "old"]
    assert store.config.pool_of(ip_address("10.0.0.8")) == store.config.pools_of(ip_address("10.0.0.8"))[0]
    assert [pool.name for pool in store.config.pools_of(ip_address("10.0.0.8"))] == ["old"]


def test_renamed_in_whatever_order_the_address_is_advertised_at_every_step() -> None:
    """As a pull of Git is applied: what is new in any order, and what is gone before or after it."""
    pool_new, adv_new, old_gone = "pool", "advertisement", "prune"
    for order in (
        (pool_new, adv_new, old_gone),
        (adv_new, pool_new, old_gone),
        (pool_new, old_gone, adv_new),
        (old_gone, pool_new, adv_new),
        (old_gone, adv_new, pool_new),
        (adv_new, old_gone, pool_new),
    ):
        store = ConfigStore()
        put(store, "old", created="2025")
        advertise(store, "old")
        for step in order:
            match step:
                case "pool":
                    put(store, "new", created="2026")
                case "advertisement":
                    advertise(store, "new")
                case "prune":
                    put(store, "old", created="2025", terminating=True)
            assert advertised(store), order
        store.remove(ConfigKind.ADDRESS_POOL, "old")
        assert advertised(store), order
        assert pools_of(store) == ["new"]


def test_an_advertisement_waits_only_while_none_of_its_pools_is_there() -> None:
    store = ConfigStore()
    put(store, "a")
    advertise(store, "a")
    advertise(store, "a", "missing")
    assert named_by(store) == ["a", "missing"]
    advertise(store, "missing")
    assert named_by(store) == ["a", "missing"]
    verdict = store.verdicts[ConfigKey(ConfigKind.BGP_ADVERTISEMENT, "adv")]
    assert (verdict.in_force, verdict.accepted) == (InForce.LAST_GOOD, True)
    assert verdict.pending == (ConfigKey(ConfigKind.ADDRESS_POOL, "missing"),)
