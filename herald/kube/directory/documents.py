"""Cuts a manifest file into documents and reads each as plain values, as kubectl would. Pure.

Documents are cut by their separator lines before any is parsed, so that one that does not parse leaves the others whole.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

MAX_DEPTH = 100
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_JSON_VALUE = json.JSONDecoder()


class _Loader(yaml.CSafeLoader):
    """Safe, and true to kubectl where PyYAML is not: 64512:30 is text, not a number in base 60, nor is a date an object.

    libyaml's composer calls these two around every value. Without a limit a deeply nested file overflows the C stack and
    ends the process.
    """

    depth = 0

    def descend_resolver(self, current_node: object, current_index: object) -> None:  # noqa: ARG002 -- as it is called
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.YAMLError("nested too deeply")

    def ascend_resolver(self) -> None:
        self.depth -= 1


_KEPT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:merge"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?$"), list("-+0123456789.")
)


@dataclass(frozen=True, slots=True)
class DocumentText:
    """One document of a file and the line, counted from 0, on which it starts."""

    text: str
    line: int


class NotParsedError(Exception):
    """`line` counts from 0 within the document; None if unknown."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def cut_yaml(text: str) -> Iterator[DocumentText]:
    """The documents that hold more than comments. In YAML a line that starts with --- always starts a document."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    line = 0
    for start, end in pairwise(starts):
        document = text[start:end]
        if not all(_says_nothing(each) for each in document.removeprefix("---").splitlines()):
            yield DocumentText(document, line)
        line += document.count("\n")


def _says_nothing(line: str) -> bool:
    """Blank, a comment, or a directive such as %YAML."""
    return not line.strip() or line.lstrip()[0] in "#%"


def cut_json(text: str) -> Iterator[DocumentText]:
    """JSON values one after the other. What does not parse is one document with all that follows."""
    start = 0
    while rest := text[start:].lstrip():
        start = len(text) - len(rest)
        try:
            _, length = _JSON_VALUE.raw_decode(rest)
        except ValueError:
            length = len(rest)
        yield DocumentText(rest[:length], text.count("\n", 0, start))
        start += length


def load_yaml(text: str) -> Any:  # noqa: ANN401 -- whatever the user wrote
    """Raises NotParsedError."""
    with _told():
        return yaml.load(text, _Loader)  # noqa: S506 -- a safe loader


def compose_yaml(text: str) -> yaml.Node | None:
    """The tree that load_yaml makes values of, in which each node knows its place. Raises NotParsedError."""
    with _told():
        node: yaml.Node | None = yaml.compose(text, _Loader)
        return node


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else None
        raise NotParsedError(f"not valid YAML: {error.problem}", line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotParsedError(f"not valid YAML: {type(error).__name__}", None) from None


def load_json(text: str) -> Any:  # noqa: ANN401 -- whatever the user wrote
    """Raises NotParsedError."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NotParsedError(f"not valid JSON: {error.msg}", error.lineno - 1) from None
    except RecursionError:
        raise NotParsedError("not valid JSON: nested too deeply", None) from None
