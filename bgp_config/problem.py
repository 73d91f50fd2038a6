"""What is wrong with an object, said to its author: where, what, and what to do about it. Never shows a secret."""

import re
from dataclasses import dataclass

from bgp_config.parser_only import ParserOnly


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is where it is, as in spec.blocks[1].cidr; `message` what is wrong there; `hint` a sentence with the remedy.

    `parser_only` is the rule that it breaks if an API server does not know that rule.
    """

    path: str
    message: str
    hint: str
    parser_only: ParserOnly | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}. {self.hint}"


def path_of(*parts: str | int) -> str:
    """Joins field names, list indices and map keys: spec.nodeSelectors[0].matchLabels["example.com/rack"]."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif re.fullmatch(r"\w+", part):
            path += f".{part}" if path else part
        else:
            path += f'["{part}"]'
    return path
