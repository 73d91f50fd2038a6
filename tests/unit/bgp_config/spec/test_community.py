"""Community: how values are read, and which texts are not values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from bgp_config.communities import ExtendedCommunity, LargeCommunity, StandardCommunity
from bgp_config.kind import ConfigKind
from bgp_config.meaning import NamedCommunity
from bgp_config.names import CommunityName
from bgp_config.parse import Accepted, Refused, parse
from bgp_config.spec.community import WELL_KNOWN, read_value

NUMBER_16 = st.integers(0, 2**16 - 1)
NUMBER_32 = st.integers(0, 2**32 - 1)


def said(name: str, value: object) -> str:
    parsed = parse(ConfigKind.COMMUNITY, name, {"value": value})
    assert isinstance(parsed, Refused), parsed
    return "\n".join(map(str, parsed.problems))


@given(st.builds(StandardCommunity, NUMBER_16, NUMBER_16))
def test_a_standard_community_is_read_as_it_is_written(value: StandardCommunity) -> None:
    assert read_value(str(value)) == value


@given(st.builds(LargeCommunity, NUMBER_32, NUMBER_32, NUMBER_32), st.sampled_from(["", "large:"]))
def test_a_large_community_is_read_with_and_without_its_prefix(value: LargeCommunity, prefix: str) -> None:
    assert read_value(f"{prefix}{value}") == value


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("target:64512:100", 0x0002_FC00_00000064),
        ("origin:65535:4294967295", 0x0003_FFFF_FFFFFFFF),
        ("target:65536:65535", 0x0202_00010000_FFFF),
        ("origin:192.0.2.1:7", 0x0103_C0000201_0007),
    ],
)
def test_an_extended_community_is_read_as_rfc_4360_and_rfc_5668_say(text: str, octets: int) -> None:
    assert read_value(text) == ExtendedCommunity(octets)
    assert str(ExtendedCommunity(octets)) == f"0x{octets:016X}"


@pytest.mark.parametrize(
    "text",
    [
        "target:1",
        "target:1:2:3",
        "target:65536:65536",
        "origin:4294967296:1",
        "target:10.0.0.1:65536",
        "target:10.0.0.256:1",
        "target::1:1",
        "1",
        "1:2:3:4",
        "large:1:2",
        "1:-2",
        "1: 2",
        "01:2",
        "a:b",
        "1:",
        "65536:1",
        "1:65536",
        "1:2:4294967296",
        "\N{ARABIC-INDIC DIGIT ONE}:2",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        read_value(text)


def test_a_community_has_the_name_of_its_object() -> None:
    parsed = parse(ConfigKind.COMMUNITY, "vips", {"value": "64512:100"})
    assert parsed == Accepted(NamedCommunity(name=CommunityName("vips"), value=StandardCommunity(64512, 100)))


def test_a_number_that_is_too_large_is_told_about_large_communities() -> None:
    assert '"65536:1" has a number that is too large' in said("vips", "65536:1")
    assert "64512:1:2" in said("vips", "65536:1")


def test_an_unquoted_value_that_yaml_made_a_number_is_told_about_quotes() -> None:
    assert "must be text, not 3723. Put it in quotes" in said("vips", 3723)


def test_a_well_known_community_needs_no_object_and_lends_no_name() -> None:
    assert "spec.value" in said("vips", "no-export")
    assert "65535:65281" in said("vips", "no-export")
    assert said("no-export", "64512:100").startswith("metadata.name: no-export is a well-known community")


def test_well_known_communities_have_the_numbers_of_the_registry() -> None:
    """RFC 1997, 3765, 7999, 8326, 9494; the last 16 bits."""
    assert {value.high for value in WELL_KNOWN.values()} == {65535}
    assert {name: value.low for name, value in WELL_KNOWN.items()} == {
        "graceful-shutdown": 0x0000,
        "accept-own": 0x0001,
        "llgr-stale": 0x0006,
        "no-llgr": 0x0007,
        "blackhole": 0x029A,
        "no-export": 0xFF01,
        "no-advertise": 0xFF02,
        "no-export-subconfed": 0xFF03,
        "no-peer": 0xFF04,
    }
