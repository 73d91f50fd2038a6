"""All flags of the command `herald`, from the parsers that read them."""

import argparse
from collections.abc import Iterator
from importlib import import_module
from textwrap import dedent
from typing import Any

from herald.cli.main import WORDS
from scripts.docs import markdown
from scripts.docs.markdown import code, fence, sentence, table

_HEAD = """\
One command, `herald`, with a word for each program or tool. `herald WORD --help` says the same as this page. Times are in
seconds."""


def page() -> str:
    words = argparse.ArgumentParser(prog="herald").add_subparsers()
    for word in WORDS:
        import_module(f"herald.cli.{word}").add_parser(words)
    return markdown.page("Flags", _HEAD, *_chapters(words, 2))


def _chapters(words: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 -- argparse has no public name for it
    """One for each word, in the order in which `--help` has them."""
    for listed in words._choices_actions:  # noqa: SLF001 -- argparse tells it nowhere else
        parser: argparse.ArgumentParser = words.choices[listed.dest]
        yield f"{'#' * depth} {parser.prog}"
        yield from _said(parser.description or listed.help or "")
        if rows := [[_name(action), _meaning(action)] for action in _actions(parser)]:
            yield table(["flag", "meaning"], rows)
        for action in parser._actions:  # noqa: SLF001 -- as above
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 -- as above
                yield from _chapters(action, depth + 1)


def _said(text: str) -> Iterator[str]:
    """Paragraphs; what is indented is shown as it is. Modules say `herald WORD`: what it is; the word is in the heading."""
    before, colon, after = text.partition(": ")
    for paragraph in (after if colon and before.startswith("`herald") else text).strip("\n").split("\n\n"):
        indented = all(line.startswith("  ") for line in paragraph.splitlines())
        yield fence("text", dedent(paragraph)) if indented else sentence(paragraph.strip())


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)  # noqa: SLF001 -- argparse has no public names
    return [action for action in parser._actions if not isinstance(action, hidden)]  # noqa: SLF001 -- as above


def _name(action: argparse.Action) -> str:
    value = _metavar(action)
    if not action.option_strings:
        return code(value)
    flag = action.option_strings[-1]
    if action.nargs == 0:
        return code(flag)
    return code(f"{flag} [{value}]" if action.nargs == "?" else f"{flag} {value}")


def _metavar(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _meaning(action: argparse.Action) -> str:
    parts = [sentence(action.help % vars(action))] if action.help else []
    if action.choices is not None:
        parts.append(f"One of: {', '.join(map(code, map(str, action.choices)))}.")
    given = action.default not in {None, argparse.SUPPRESS} and action.nargs != 0
    if given and "default" not in (action.help or ""):
        parts.append(f"Default: {code(str(action.default))}.")
    return " ".join(parts)
