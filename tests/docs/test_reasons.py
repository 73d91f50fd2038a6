"""The page of reasons has every word that conditions and errors of status objects may say, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

from bgp_config.verdict import InForce
from speaker.bfd.report import PROGRAM_MISSING

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "reference" / "reasons.md").read_text()


def explained(chapter: str) -> set[str]:
    _, _, found = PAGE.partition(f"\n## {chapter}\n")
    return set(re.findall(r"^\| `(\w+)` \|", found.partition("\n## ")[0], re.MULTILINE))


def said_in_conditions() -> Iterator[str]:
    """By the sources: what stands as the reason beside a condition's status."""
    yield from InForce
    for file in (CHECKOUT / "controller").rglob("*.py"):
        for line in re.findall(r"Said\(ConditionType\..*", file.read_text()):
            yield from re.findall(r'"([A-Z][A-Za-z]+)"', line)
        yield from re.findall(r'reason="([A-Z][A-Za-z]+)"', file.read_text())
    yield from re.findall(r'ConditionStatus\.\w+, "(\w+)"', (CHECKOUT / "speaker" / "status.py").read_text())


def test_every_word_of_a_condition_is_explained() -> None:
    assert explained("What conditions say") == set(said_in_conditions())


def test_every_error_of_a_node_is_explained() -> None:
    status = (CHECKOUT / "speaker" / "status.py").read_text()
    (begin,) = re.findall(r"def _errors\(.*?\n\n\n", status, re.DOTALL)
    said = set(re.findall(r', "([a-z][A-Za-z]+)", ', begin)) | {PROGRAM_MISSING}
    said |= {f"inForce{form}" for form in InForce if form is not InForce.CURRENT}
    assert explained("What is wrong with a node") == said
