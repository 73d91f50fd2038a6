"""ConfigStore: objects meet each other, bad ones stop nobody, and the order of arrival means nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp_config.communities import StandardCommunity
from bgp_config.config import Config
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import AdvertisementName, PeerName, PoolName
from bgp_config.parse import UnknownFields
from bgp_config.store import ConfigStore
from bgp_config.verdict import InForce, Verdict

POOL, PEER = ConfigKind.ADDRESS_POOL, ConfigKind.BGP_PEER
ADVERTISEMENT, COMMUNITY = ConfigKind.BGP_ADVERTISEMENT, ConfigKind.COMMUNITY
BAD = {"no": "such field"}


@dataclass(frozen=True)
class Manifest:
    kind: ConfigKind
    name: str
    spec: Mapping[str, object]
    created: str | None = None

    def put(self, store: ConfigStore) -> None:
        store.upsert(self.kind, self.name, self.created, 1, self.spec)


def pool(name: str, *cidrs: str, created: str | None = None) -> Manifest:
    return Manifest(POOL, name, {"blocks": [{"cidr": cidr} for cidr in cidrs]}, created)


def peer(name: str, changes: Mapping[str, object] | None = None, created: str | None = None) -> Manifest:
    spec = {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0", **(changes or {})}
    return Manifest(PEER, name, spec, created)


def advertisement(name: str, **spec: object) -> Manifest:
    return Manifest(ADVERTISEMENT, name, spec)


def community(name: str, value: str) -> Manifest:
    return Manifest(COMMUNITY, name, {"value": value})


def bad(kind: ConfigKind, name: str, created: str | None = None) -> Manifest:
    return Manifest(kind, name, {"blocks": [], "peerAddress": 1, "localPref": -1, "value": "?", "multiplier": 0}, created)


def filled(*manifests: Manifest) -> ConfigStore:
    store = ConfigStore()
    for manifest in manifests:
        manifest.put(store)
    return store


def verdict(store: ConfigStore, kind: ConfigKind, name: str) -> Verdict:
    return store.verdicts[ConfigKey(kind, name)]


def other(kind: ConfigKind, name: str, **spec: object) -> Manifest:
    return Manifest(kind, name, spec)


VALID = [
    pool("p", "10.0.0.0/24"),
    peer("r"),
    advertisement("a", pools=["p"]),
    community("c", "1:2"),
    other(ConfigKind.BFD_PROFILE, "b", multiplier=5),
    other(ConfigKind.HEALTH_CHECK, "h", protocol="TCP"),
    other(ConfigKind.DRAIN, "d", nodes=["node1"]),
]


class TestOneObject:
    @pytest.mark.parametrize("manifest", VALID)
    def test_a_valid_object_is_in_force(self, manifest: Manifest) -> None:
        store = filled(manifest)
        assert verdict(store, manifest.kind, manifest.name).in_force is InForce.CURRENT
        assert verdict(store, manifest.kind, manifest.name).accepted

    @pytest.mark.parametrize("manifest", VALID)
    def test_a_bad_form_leaves_the_last_good_one_in_force_and_says_so(self, manifest: Manifest) -> None:
        store = filled(*VALID)
        before = store.config
        bad(manifest.kind, manifest.name).put(store)
        assert store.config is before
        found = verdict(store, manifest.kind, manifest.name)
        assert (found.accepted, found.in_force) == (False, InForce.LAST_GOOD)
        assert found.problems

    @pytest.mark.parametrize("manifest", VALID)
    def test_the_last_good_form_outlives_any_number_of_bad_ones(self, manifest: Manifest) -> None:
        store = filled(*VALID)
        before = store.config
        for _ in range(3):
            bad(manifest.kind, manifest.name).put(store)
        assert store.config is before

    def test_a_bad_object_that_was_never_good_is_nothing_and_stops_nobody(self) -> None:
        store = filled(*(bad(kind, "bad") for kind in ConfigKind), *VALID)
        assert store.config == filled(*VALID).config
        assert all(verdict(store, kind, "bad").in_force is InForce.NOTHING for kind in ConfigKind)

    @pytest.mark.parametrize("manifest", VALID)
    def test_a_removed_object_is_out_of_force_and_its_last_good_form_is_forgotten(self, manifest: Manifest) -> None:
        store = filled(manifest)
        store.remove(manifest.kind, manifest.name)
        assert store.config == Config()
        assert not store.verdicts
        bad(manifest.kind, manifest.name).put(store)
        assert verdict(store, manifest.kind, manifest.name).in_force is InForce.NOTHING

    def test_removing_what_is_not_there_changes_nothing(self) -> None:
        store = filled(*VALID)
        before = store.config
        store.remove(PEER, "other")
        assert store.config is before

    def test_unknown_fields_are_warnings_or_errors_by_choice(self) -> None:
        spec = {**peer("r").spec, **BAD}
        lenient, strict = ConfigStore(), ConfigStore(UnknownFields.ERROR)
        for store in (lenient, strict):
            store.upsert(PEER, "r", None, 1, spec)
        assert [w.path for w in verdict(lenient, PEER, "r").warnings] == ["spec.no"]
        assert verdict(lenient, PEER, "r").in_force is InForce.CURRENT
        assert [p.path for p in verdict(strict, PEER, "r").problems] == ["spec.no"]
        assert verdict(strict, PEER, "r").in_force is InForce.NOTHING

    def test_a_verdict_carries_the_generation_that_was_judged(self) -> None:
        store = filled(peer("r"))
        store.upsert(PEER, "r", None, 7, peer("r").spec)
        assert verdict(store, PEER, "r").generation == 7


class TestConfigIdentity:
    def test_the_config_stays_the_same_object_while_the_meaning_does(self) -> None:
        store = filled(*VALID)
        before = store.config
        store.upsert(POOL, "p", None, 2, {"blocks": [{"start": "10.0.0.0", "stop": "10.0.0.255"}], "autoAssign": True})
        store.upsert(PEER, "r", None, 2, {**peer("r").spec, "peerPort": 179, "holdTimeSeconds": 90})
        community("unused", "1:9").put(store)
        assert store.config is before

    def test_a_changed_meaning_makes_a_new_config_and_leaves_the_old_as_it_was(self) -> None:
        store = filled(*VALID)
        before = store.config
        peer("r2", {"peerAddress": "10.1.2.0"}).put(store)
        assert store.config is not before
        assert set(before.peers) == {PeerName("r")}
        assert set(store.config.peers) == {PeerName("r"), PeerName("r2")}


class TestOverlappingPools:
    def test_the_older_pool_keeps_whatever_arrives_first(self) -> None:
        old, new = pool("z", "10.0.0.0/24", created="2026-01-01"), pool("a", "10.0.0.128/25", created="2026-01-02")
        for store in (filled(old, new), filled(new, old)):
            assert set(store.config.pools) == {PoolName("z")}
            (problem,) = verdict(store, POOL, "a").problems
            assert problem.path == "spec.blocks[0]"
            assert "AddressPool z" in problem.message

    def test_among_pools_of_one_age_the_first_name_keeps(self) -> None:
        assert set(filled(pool("b", "10.0.0.0/24"), pool("a", "10.0.0.0/25")).config.pools) == {PoolName("a")}

    def test_the_younger_is_taken_when_the_older_goes_or_yields(self) -> None:
        store = filled(pool("a", "10.0.0.0/24"), pool("b", "10.0.0.0/25"))
        store.remove(POOL, "a")
        assert set(store.config.pools) == {PoolName("b")}
        store = filled(pool("a", "10.0.0.0/24"), pool("b", "10.0.0.0/25"))
        pool("a", "10.0.1.0/24").put(store)
        assert set(store.config.pools) == {PoolName("a"), PoolName("b")}
        assert verdict(store, POOL, "b").accepted

    def test_a_pool_changed_into_an_overlap_keeps_its_last_good_form(self) -> None:
        store = filled(pool("a", "10.0.0.0/24"), pool("b", "10.0.1.0/24"))
        before = store.config
        pool("b", "10.0.0.0/23").put(store)
        assert store.config is before
        assert verdict(store, POOL, "b").in_force is InForce.LAST_GOOD

    def test_a_last_good_form_keeps_its_addresses_from_younger_pools(self) -> None:
        store = filled(pool("a", "10.0.0.0/24"), bad(POOL, "a"), pool("b", "10.0.0.0/25"))
        assert set(store.config.pools) == {PoolName("a")}
        assert "AddressPool a" in verdict(store, POOL, "b").problems[0].message

    def test_a_last_good_form_yields_to_an_older_pool(self) -> None:
        store = filled(pool("a", "10.0.1.0/24"), pool("b", "10.0.0.0/24"), bad(POOL, "b"), pool("a", "10.0.0.0/24"))
        assert set(store.config.pools) == {PoolName("a")}
        assert verdict(store, POOL, "b").in_force is InForce.NOTHING

    def test_pools_may_swap_their_blocks_one_after_the_other(self) -> None:
        store = filled(pool("a", "10.0.0.0/24"), pool("b", "10.0.1.0/24"))
        pool("a", "10.0.1.0/24").put(store)
        pool("b", "10.0.0.0/24").put(store)
        assert store.config == filled(pool("a", "10.0.1.0/24"), pool("b", "10.0.0.0/24")).config


class TestTheSameSessionTwice:
    RACK_A: Mapping[str, object] = {"nodeSelectors": [{"matchLabels": {"rack": "a"}}]}

    def test_the_older_peer_keeps_and_the_other_names_it(self) -> None:
        for store in (filled(peer("a"), peer("b", {"peerASN": 65002})), filled(peer("b", {"peerASN": 65002}), peer("a"))):
            assert set(store.config.peers) == {PeerName("a")}
            (problem,) = verdict(store, PEER, "b").problems
            assert "BGPPeer a" in problem.message
        store.remove(PEER, "a")
        assert set(store.config.peers) == {PeerName("b")}

    def test_the_same_selection_in_other_words_is_the_same(self) -> None:
        other_words = {"nodeSelectors": [{"matchExpressions": [{"key": "rack", "operator": "In", "values": ["a"]}]}]}
        store = filled(peer("a", self.RACK_A), peer("b", other_words))
        assert set(store.config.peers) == {PeerName("a")}

    @pytest.mark.parametrize(
        "difference", [{"peerPort": 1179}, {"sourceAddress": "10.1.1.1"}, RACK_A, {"peerAddress": "10.1.1.2"}]
    )
    def test_a_session_of_another_place_is_another_session(self, difference: Mapping[str, object]) -> None:
        assert len(filled(peer("a"), peer("b", difference)).config.peers) == 2


class TestReferences:
    def test_names_that_match_nothing_yet_are_pending_and_apply_meanwhile(self) -> None:
        store = filled(advertisement("a", pools=["p", "q"], peers=["r"]), pool("p", "10.0.0.0/24"))
        found = verdict(store, ADVERTISEMENT, "a")
        assert found.accepted
        assert found.in_force is InForce.CURRENT
        assert set(found.pending) == {ConfigKey(POOL, "q"), ConfigKey(PEER, "r")}
        peer("r").put(store)
        assert verdict(store, ADVERTISEMENT, "a").pending == (ConfigKey(POOL, "q"),)
        store.remove(POOL, "p")
        assert verdict(store, ADVERTISEMENT, "a").pending == (ConfigKey(POOL, "p"), ConfigKey(POOL, "q"))

    def test_a_refused_object_is_pending_too(self) -> None:
        store = filled(advertisement("a", pools=["p"]), bad(POOL, "p"))
        assert verdict(store, ADVERTISEMENT, "a").pending == (ConfigKey(POOL, "p"),)

    def test_an_advertisement_waits_for_its_community(self) -> None:
        store = filled(advertisement("a", communities=["c", "1:1"]))
        assert not store.config.advertisements
        found = verdict(store, ADVERTISEMENT, "a")
        assert (found.accepted, found.in_force, found.pending) == (True, InForce.NOTHING, (ConfigKey(COMMUNITY, "c"),))
        community("c", "1:2").put(store)
        assert verdict(store, ADVERTISEMENT, "a").in_force is InForce.CURRENT
        in_force = store.config.advertisements[AdvertisementName("a")]
        assert in_force.communities == {StandardCommunity(1, 1), StandardCommunity(1, 2)}

    def test_an_advertisement_changed_to_an_unknown_community_keeps_its_last_good_form(self) -> None:
        store = filled(advertisement("a", communities=["1:1"]))
        before = store.config
        advertisement("a", communities=["c"]).put(store)
        assert store.config is before
        assert verdict(store, ADVERTISEMENT, "a").in_force is InForce.LAST_GOOD

    def test_a_changed_community_changes_its_advertisements(self) -> None:
        store = filled(advertisement("a", communities=["c"]), community("c", "1:1"), community("c", "1:2"))
        assert store.config.advertisements[AdvertisementName("a")].communities == {StandardCommunity(1, 2)}

    def test_a_removed_community_leaves_its_advertisements_as_they_were(self) -> None:
        store = filled(advertisement("a", communities=["c"]), community("c", "1:1"))
        before = store.config
        store.remove(COMMUNITY, "c")
        assert store.config is before
        assert verdict(store, ADVERTISEMENT, "a").in_force is InForce.LAST_GOOD
        assert verdict(store, ADVERTISEMENT, "a").pending == (ConfigKey(COMMUNITY, "c"),)


names = st.sampled_from("abcd")
ages = st.sampled_from([None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])
cidrs = st.builds("10.0.{}.0/{}".format, st.sampled_from([0, 2, 4, 6]), st.sampled_from([23, 24]))
addresses = st.builds(lambda address: {"peerAddress": address}, st.sampled_from(["10.1.1.0", "10.2.1.0"]))
valid_manifests = st.one_of(
    st.builds(lambda name, cidr, created: pool(name, cidr, created=created), names, cidrs, ages),
    st.builds(peer, names, addresses, ages),
    st.builds(lambda name, c: advertisement(name, communities=[c], pools=["a"]), names, st.sampled_from(["a", "1:1"])),
    st.builds(community, names, st.sampled_from(["1:1", "1:2:3"])),
    st.builds(lambda name, times: other(ConfigKind.BFD_PROFILE, name, multiplier=times), names, st.integers(2, 4)),
    st.builds(lambda name, fall: other(ConfigKind.HEALTH_CHECK, name, protocol="TCP", fall=fall), names, st.integers(1, 3)),
    st.builds(lambda name, node: other(ConfigKind.DRAIN, name, nodes=[node]), names, names),
)
valid_sets = st.lists(valid_manifests, unique_by=lambda manifest: (manifest.kind, manifest.name), max_size=12)


class TestOrderMeansNothing:
    @given(valid_sets.flatmap(lambda manifests: st.tuples(st.just(manifests), st.permutations(manifests))))
    def test_any_order_of_arrival_gives_the_same_config_and_verdicts(
        self, orders: tuple[list[Manifest], list[Manifest]]
    ) -> None:
        one, other = (filled(*order) for order in orders)
        assert one.config == other.config
        assert one.verdicts == other.verdicts
        assert list(one.config.pools) == list(other.config.pools)
        assert list(one.config.peers) == list(other.config.peers)
        assert list(one.config.advertisements) == list(other.config.advertisements)

    def test_a_config_lists_its_objects_by_name(self) -> None:
        store = filled(pool("b", "10.0.0.0/24", created="2026-01-01"), pool("a", "10.0.1.0/24", created="2026-01-02"))
        assert list(store.config.pools) == ["a", "b"]

    @given(st.lists(valid_manifests, max_size=20), st.lists(names, max_size=6))
    def test_the_past_leaves_no_trace_once_nothing_is_refused_or_pending(
        self, history: list[Manifest], removed: list[str]
    ) -> None:
        store = filled(*history)
        for name in removed:
            store.remove(POOL, name)
        present = {(m.kind, m.name): m for m in history if not (m.kind is POOL and m.name in removed)}
        fresh = filled(*present.values())
        if all(verdict.in_force is InForce.CURRENT for verdict in fresh.verdicts.values()):
            assert store.config == fresh.config
            assert store.verdicts == fresh.verdicts

    @given(st.lists(valid_manifests, max_size=20), st.sampled_from(ConfigKind))
    def test_a_bad_form_of_an_object_changes_nothing(self, history: list[Manifest], kind: ConfigKind) -> None:
        store = filled(*history)
        before = store.config
        created = next((m.created for m in reversed(history) if (m.kind, m.name) == (kind, "a")), None)
        bad(kind, "a", created).put(store)
        assert store.config is before

    @given(st.lists(st.one_of(valid_manifests, st.builds(bad, st.sampled_from(ConfigKind), names)), max_size=20))
    def test_pools_in_force_never_overlap(self, history: list[Manifest]) -> None:
        blocks = [block for pool in filled(*history).config.pools.values() for block in pool.ranges]
        assert not any(one.overlaps(other) for i, one in enumerate(blocks) for other in blocks[:i])


def test_pool_of_asks_only_pools_in_force() -> None:
    store = filled(pool("a", "10.0.0.0/24"), pool("b", "10.0.0.0/23"))
    assert store.config.pool_of(ip_address("10.0.0.1")) == store.config.pools[PoolName("a")]
    assert store.config.pool_of(ip_address("10.0.1.1")) is None
