"""Texts are brought within their bounds."""

from bgp_config.status.base import MAX_TEXT, clip


def test_what_fits_is_left_alone() -> None:
    assert clip("x" * MAX_TEXT) == "x" * MAX_TEXT


def test_what_is_longer_is_cut_with_a_sign_that_it_was() -> None:
    assert clip("abcdefgh", 6) == "abc..."
    assert len(clip("x" * 5000)) == MAX_TEXT
