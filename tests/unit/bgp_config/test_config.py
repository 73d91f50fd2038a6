"""Config finds an address's pool as if it looked at every range of every pool."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.config import AddressRange, Config, Pool
from bgp_config.names import Family, PoolName

BASES = {4: int(ip_address("10.0.0.0")), 6: int(ip_address("2001:db8::"))}


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Pools of disjoint ranges of both families, dealt out in any order."""
    pools: dict[PoolName, list[AddressRange]] = {}
    for base in BASES.values():
        bounds = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
        for first, last in zip(bounds[::2], bounds[1::2], strict=False):
            name = PoolName(draw(st.sampled_from("abc")))
            block = AddressRange(first=ip_address(base + first), last=ip_address(base + last - 1))
            pools.setdefault(name, []).append(block)
    dealt = draw(st.permutations(sorted(pools.items())))
    return Config(pools={name: Pool(name=name, ranges=tuple(draw(st.permutations(r)))) for name, r in dealt})


@given(configs(), st.sampled_from([4, 6]), st.integers(-1, 61))
def test_pool_of_agrees_with_a_look_at_every_range(config: Config, version: int, offset: int) -> None:
    address = ip_address(BASES[version] + offset)
    assert config.pool_of(address) == next((pool for pool in config.pools.values() if address in pool), None)


def test_an_address_of_the_other_family_with_the_same_number_is_not_held() -> None:
    block = AddressRange(first=ip_address("10.0.0.0"), last=ip_address("10.0.0.255"))
    config = Config(pools={PoolName("p"): Pool(name=PoolName("p"), ranges=(block,))})
    assert config.pool_of(ip_address("10.0.0.7")) is config.pools[PoolName("p")]
    assert config.pool_of(ip_address("::10.0.0.7")) is None
    assert block.family is Family.IPV4


def test_a_range_is_shown_by_its_ends_or_as_one_address() -> None:
    first, last = ip_address("10.0.0.1"), ip_address("10.0.0.2")
    assert str(AddressRange(first=first, last=last)) == "10.0.0.1-10.0.0.2"
    assert str(AddressRange(first=first, last=first)) == "10.0.0.1"
