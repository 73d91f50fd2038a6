"""Claims finds every conflict, as if each new claim were compared with all earlier ones."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from bgp_config.claims import Claims
from bgp_config.config import AddressRange, Pool
from bgp_config.names import PoolName

BASES = [int(ip_address("10.0.0.0")), int(ip_address("2001:db8::"))]


@st.composite
def ranges(draw: st.DrawFn) -> AddressRange:
    base = draw(st.sampled_from(BASES))
    first, size = draw(st.integers(0, 100)), draw(st.integers(0, 20))
    return AddressRange(first=ip_address(base + first), last=ip_address(base + first + size))


@given(st.lists(ranges(), max_size=20), ranges())
def test_an_overlap_is_found_exactly_when_there_is_one(blocks: list[AddressRange], asked: AddressRange) -> None:
    claims, taken = Claims(), list[AddressRange]()
    for i, block in enumerate(blocks):
        if not any(block.overlaps(other) for other in taken):
            claims.take(Pool(name=PoolName(f"p{i}"), ranges=(block,)))
            taken.append(block)
    conflicts = claims.conflicts(Pool(name=PoolName("asked"), ranges=(asked,)))
    assert bool(conflicts) == any(asked.overlaps(other) for other in taken)


def test_each_conflicting_block_is_named_with_the_older_pool() -> None:
    def block(first: str, last: str) -> AddressRange:
        return AddressRange(first=ip_address(first), last=ip_address(last))

    claims = Claims()
    claims.take(Pool(name=PoolName("old"), ranges=(block("10.0.0.0", "10.0.0.255"), block("2001:db8::", "2001:db8::f"))))
    ranges = (block("10.0.1.0", "10.0.1.9"), block("10.0.0.255", "10.0.0.255"), block("2001:db8::f", "2001:db8::ff"))
    conflicts = claims.conflicts(Pool(name=PoolName("new"), ranges=ranges))
    assert [problem.path for problem in conflicts] == ["spec.blocks[1]", "spec.blocks[2]"]
    assert all("AddressPool old, which comes first" in problem.message for problem in conflicts)
    assert "10.0.0.255 overlaps" in conflicts[0].message
