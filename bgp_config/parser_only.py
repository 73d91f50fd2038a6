"""The rules that only the parser can check. All others an API server checks too, by the schema or by its CEL rules.

An object that breaks one of these is stored all the same, and ends in the condition Accepted=False.
"""

from enum import StrEnum


class ParserOnly(StrEnum):
    """Each value says why an API server cannot."""

    RANGE_ORDER = "stop is not before start: CEL has no order on addresses"
    RANGE_UNICAST = "nothing between start and stop is loopback, multicast and so on: CEL has no order on addresses"
    BLOCKS_DISJOINT = "the blocks of a pool do not overlap: too costly for CEL, and CEL has no order on addresses"
