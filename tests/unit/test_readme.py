"""The README says what is there."""

from pathlib import Path

import pytest

from speaker.reasons import Reason

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_in_the_readme_with_its_remedy(reason: Reason) -> None:
    assert f"| `{reason}` | {reason.remedy} |" in README
