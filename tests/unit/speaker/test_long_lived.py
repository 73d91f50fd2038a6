"""Python's collector looks seldom while everything is listed, and as often as ever after that, at what is new."""

import gc

from speaker.long_lived import OFTEN, expect_much, keep_for_good


def test_what_was_listed_is_passed_over_and_the_collector_is_as_it_was() -> None:
    frozen = gc.get_freeze_count()
    expect_much()
    assert gc.get_threshold()[0] > OFTEN[0]
    kept = [[number] for number in range(1000)]
    keep_for_good()
    try:
        assert gc.get_threshold() == OFTEN
        assert gc.get_freeze_count() >= frozen + len(kept)
    finally:
        gc.unfreeze()
