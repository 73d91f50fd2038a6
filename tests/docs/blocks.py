"""The fenced code blocks of Markdown pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    title: str
    text: str


def blocks(markdown: str) -> Iterator[Block]:
    for match in _FENCE.finditer(markdown):
        yield Block(match["language"], match["title"] or "", match["text"])
