"""Each rule that an API server does not know is named in the problem of an object that breaks it; no other is."""

import pytest

from bgp_config.kind import ConfigKind
from bgp_config.parse import Refused, parse
from bgp_config.parser_only import ParserOnly


def broken(blocks: list[object]) -> list[ParserOnly | None]:
    parsed = parse(ConfigKind.ADDRESS_POOL, "x", {"blocks": blocks})
    assert isinstance(parsed, Refused)
    return [problem.parser_only for problem in parsed.problems]


@pytest.mark.parametrize(
    ("blocks", "rule"),
    [
        ([{"start": "10.0.0.9", "stop": "10.0.0.1"}], ParserOnly.RANGE_ORDER),
        ([{"start": "126.0.0.1", "stop": "128.0.0.1"}], ParserOnly.RANGE_UNICAST),
        ([{"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.0/25"}], ParserOnly.BLOCKS_DISJOINT),
        ([{"start": "127.0.0.1", "stop": "128.0.0.1"}], None),
        ([{"cidr": "127.0.0.0/24"}], None),
        ([{"start": "10.0.0.1", "stop": "fd00::1"}], None),
    ],
)
def test_the_rule_that_is_broken_is_named(blocks: list[object], rule: ParserOnly | None) -> None:
    assert rule in broken(blocks)
