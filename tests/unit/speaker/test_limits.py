"""Places with a peer that takes only so many prefixes: the oldest have them, whatever the order of events."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.names import PeerName, Prefix
from herald.kube.objects import ObjectKey
from speaker.limits import PrefixLimits

TOR1, TOR2 = PeerName("tor1"), PeerName("tor2")


def key(number: int) -> ObjectKey:
    return ObjectKey("default", f"s{number}")


def vip(number: int, version: int = 4) -> Prefix:
    return ip_network(f"198.51.100.{number}/32" if version == 4 else f"2001:db8::{number:x}/128")


def test_the_oldest_services_have_the_places_and_names_decide_between_equals() -> None:
    limits = PrefixLimits({TOR1: 2})
    for number, created in ((1, "2026-03"), (2, "2026-01"), (3, "2026-02"), (4, "2026-02")):
        limits.want(key(number), created, {TOR1: {vip(number)}})
    assert [number for number in range(1, 5) if limits.has_place(TOR1, vip(number))] == [2, 3]
    assert limits.beyond == {TOR1: 2}


def test_who_wins_or_loses_a_place_by_a_change_is_named() -> None:
    limits = PrefixLimits({TOR1: 1})
    assert limits.want(key(2), "2026-02", {TOR1: {vip(2)}}) == set()
    assert limits.want(key(3), "2026-03", {TOR1: {vip(3)}}) == set()
    assert limits.want(key(1), "2026-01", {TOR1: {vip(1)}}) == {key(2)}
    assert limits.want(key(1), "", {}) == {key(2)}
    assert limits.has_place(TOR1, vip(2))


def test_a_limit_is_of_one_peer_and_one_family() -> None:
    limits = PrefixLimits({TOR1: 1})
    for number in (1, 2):
        both = {vip(number), vip(number, 6)}
        limits.want(key(number), f"2026-0{number}", {TOR1: {vip(number)} if number == 2 else both, TOR2: both})
    assert [limits.has_place(TOR1, vip(number)) for number in (1, 2)] == [True, False]
    assert limits.has_place(TOR1, vip(1, 6))
    assert all(limits.has_place(TOR2, vip(number, version)) for number in (1, 2) for version in (4, 6))


def test_an_aggregate_takes_one_place_and_is_as_old_as_its_oldest_service() -> None:
    aggregate = ip_network("198.51.100.0/24")
    limits = PrefixLimits({TOR1: 1})
    limits.want(key(1), "2026-02", {TOR1: {vip(1)}})
    assert limits.want(key(2), "2026-03", {TOR1: {aggregate}}) == set()
    assert limits.want(key(3), "2026-01", {TOR1: {aggregate}}) == {key(1), key(2)}
    assert limits.has_place(TOR1, aggregate)
    assert not limits.has_place(TOR1, vip(1))


WISHES = st.tuples(
    st.integers(0, 5), st.sampled_from(["2026-01", "2026-02"]), st.frozensets(st.sampled_from([*map(vip, range(4))]))
)


@given(st.lists(WISHES, max_size=12), st.integers(1, 3))
def test_places_depend_on_what_is_wanted_now_and_every_change_of_them_is_named(
    wishes: list[tuple[int, str, frozenset[Prefix]]], places: int
) -> None:
    limits, last = PrefixLimits({TOR1: places}), dict[ObjectKey, tuple[str, frozenset[Prefix]]]()
    for number, created, prefixes in wishes:
        before = {service: {p for p in wanted if limits.has_place(TOR1, p)} for service, (_, wanted) in last.items()}
        named = limits.want(key(number), created, {TOR1: prefixes})
        last[key(number)] = (created, prefixes)
        for service, (_, wanted) in last.items():
            changed = {p for p in wanted if limits.has_place(TOR1, p)} != before.get(service, set())
            assert not changed or service in named or service == key(number)
    again = PrefixLimits({TOR1: places})
    for service, (created, prefixes) in sorted(last.items(), reverse=True):
        again.want(service, created, {TOR1: prefixes})
    wanted_by_all = {p for _, prefixes in last.values() for p in prefixes}
    have = {p for p in wanted_by_all if limits.has_place(TOR1, p)}
    assert have == {p for p in wanted_by_all if again.has_place(TOR1, p)}
    assert len(have) == min(places, len(wanted_by_all))
