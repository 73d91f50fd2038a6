"""BGPAdvertisement: what is selected, with which attributes, and which references are left to be looked up."""

from ipaddress import ip_address

import pytest

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.config import Advertisement
from bgp_config.kind import ConfigKind
from bgp_config.meaning import UnresolvedAdvertisement
from bgp_config.names import AdvertisementName, CommunityName, PeerName, PoolName
from bgp_config.parse import Accepted, Refused, parse


def unresolved(**spec: object) -> UnresolvedAdvertisement:
    parsed = parse(ConfigKind.BGP_ADVERTISEMENT, "a", spec)
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, UnresolvedAdvertisement)
    return parsed.meaning


def problems(**spec: object) -> dict[str, str]:
    parsed = parse(ConfigKind.BGP_ADVERTISEMENT, "a", spec)
    assert isinstance(parsed, Refused), parsed
    return {p.path: f"{p.message}. {p.hint}" for p in parsed.problems}


def test_an_empty_spec_announces_everything_everywhere() -> None:
    everything = Advertisement(name=AdvertisementName("a"))
    assert unresolved() == UnresolvedAdvertisement(advertisement=everything, aliases=frozenset())


def test_pools_and_peers_are_sets_of_names() -> None:
    advertisement = unresolved(pools=["x", "y"], peers=["z"], localPref=200).advertisement
    assert advertisement.pools == frozenset({PoolName("x"), PoolName("y")})
    assert advertisement.peers == frozenset({PeerName("z")})
    assert advertisement.local_pref == 200


def test_communities_are_numbers_well_known_names_or_names_of_objects() -> None:
    found = unresolved(
        communities=["65000:100", "no-export", "1:2:3", "large:4:5:6", "vips", "graceful-shutdown", "target:1:2"]
    )
    assert found.advertisement.communities == {
        StandardCommunity(65000, 100),
        StandardCommunity(65535, 65281),
        StandardCommunity(65535, 0),
    }
    assert found.advertisement.large_communities == {LargeCommunity(1, 2, 3), LargeCommunity(4, 5, 6)}
    assert found.advertisement.extended_communities == {ExtendedCommunity(0x0002_0001_00000002)}
    assert found.aliases == {CommunityName("vips")}


def test_aliases_are_looked_up_all_or_nothing() -> None:
    found = unresolved(communities=["65000:1", "s", "l", "x"])
    extended = {CommunityName("x"): ExtendedCommunity(7)}
    standard, large = {CommunityName("s"): StandardCommunity(65000, 2)}, {CommunityName("l"): LargeCommunity(1, 2, 3)}
    assert found.resolve({**standard, **extended}) is None
    resolved = found.resolve({**standard, **large, **extended})
    assert resolved is not None
    assert resolved.communities == {StandardCommunity(65000, 1), StandardCommunity(65000, 2)}
    assert resolved.large_communities == {LargeCommunity(1, 2, 3)}
    assert resolved.extended_communities == {ExtendedCommunity(7)}


@pytest.mark.parametrize("field", ["pools", "peers", "communities", "nodeSelectors", "serviceSelectors"])
def test_an_empty_list_is_refused(field: str) -> None:
    assert "must not be empty" in problems(**{field: []})[f"spec.{field}"]


@pytest.mark.parametrize("field", ["pools", "peers", "communities"])
def test_a_name_is_listed_once_in_each_list(field: str) -> None:
    assert list(problems(**{field: ["x", "y", "x"]})) == [f"spec.{field}[2]"]
    assert unresolved(pools=["x"], peers=["x"], communities=["x"])


@pytest.mark.parametrize("field", ["pools", "peers"])
def test_a_name_has_the_form_of_an_objects_name(field: str) -> None:
    assert list(problems(**{field: ["x", "Y"]})) == [f"spec.{field}[1]"]


@pytest.mark.parametrize("community", ["65000:70000", "NO-EXPORT", "a_b", ":", "large:vips"])
def test_what_is_neither_number_nor_name_is_refused(community: str) -> None:
    assert list(problems(communities=["65000:1", community])) == ["spec.communities[1]"]


@pytest.mark.parametrize("local_pref", [0, 1, 2**32])
def test_the_two_lowest_local_prefs_are_kept_for_routes_of_last_resort(local_pref: int) -> None:
    assert list(problems(localPref=local_pref)) == ["spec.localPref"]
    assert unresolved(localPref=2)
    assert unresolved(localPref=2**32 - 1)


@pytest.mark.parametrize(
    ("field", "attribute", "lowest", "highest"),
    [
        ("med", "med", 0, 2**32 - 1),
        ("asPathPrepend", "as_path_prepend", 0, 16),
        ("aggregationLengthV4", "aggregation_length_v4", 8, 32),
        ("aggregationLengthV6", "aggregation_length_v6", 32, 128),
    ],
)
def test_numbers_are_taken_over_and_bounded(field: str, attribute: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert getattr(unresolved(**{field: value}).advertisement, attribute) == value
    for value in (lowest - 1, highest + 1):
        assert list(problems(**{field: value})) == [f"spec.{field}"]


def test_a_vip_is_announced_alone_or_in_the_prefix_of_the_length_that_is_asked_for() -> None:
    alone, aggregated = unresolved().advertisement, unresolved(aggregationLengthV4=24, aggregationLengthV6=64).advertisement
    v4, v6 = ip_address("198.51.100.7"), ip_address("2001:db8::7")
    assert [str(alone.prefix_of(vip)) for vip in (v4, v6)] == ["198.51.100.7/32", "2001:db8::7/128"]
    assert [str(aggregated.prefix_of(vip)) for vip in (v4, v6)] == ["198.51.100.0/24", "2001:db8::/64"]
