"""The few forms of Markdown that generated pages have. Pure."""

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by `python -m scripts.docs`. Do not edit. -->"


def page(title: str, *blocks: str) -> str:
    """A whole page: blocks are separated by empty lines."""
    return "\n\n".join([NOTE, f"# {title}", *blocks]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def fence(language: str, text: str, title: str = "") -> str:
    words = f'{language} title="{title}"' if title else language
    return f"```{words}\n{text.rstrip()}\n```"


def code(text: str) -> str:
    return f"`{text}`"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", ":")) else ".") if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
