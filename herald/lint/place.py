"""Where in a file a field of an object stands. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from bgp_config.problem import path_of
from herald.kube.directory.documents import NotParsedError, compose_yaml

Parts = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An object's. `lines` are those of the fields of its document, by path; `at` is the path of the object in it."""

    file: str
    document: int
    first_line: int
    lines: Mapping[str, int]
    at: Parts = ()

    def line_of(self, path: str) -> int:
        """That of the field, or of what it is or would be part of."""
        whole = path_of(*self.at) + ("." if self.at and path else "") + path
        ends = [len(whole), *(end for end in reversed(range(len(whole))) if whole[end] in ".[")]
        found = (self.lines[whole[:end]] for end in ends if whole[:end] in self.lines)
        return self.first_line + next(found, 0)


def lines_of(text: str) -> Mapping[str, int]:
    """The line of every field and item of a document by its path, counted from 0. Also of JSON, which is YAML too."""
    try:
        root = compose_yaml(text)
    except NotParsedError:
        return {}
    return dict(_lines(root, (), set())) if root else {}


def _lines(node: yaml.Node, at: Parts, seen: set[int]) -> Iterator[tuple[str, int]]:
    """What an alias stands for is found where it is written first."""
    if id(node) in seen:
        return
    seen.add(id(node))
    match node:
        case yaml.MappingNode(value=pairs):
            for key, value in pairs:
                yield path_of(*at, str(key.value)), key.start_mark.line
                yield from _lines(value, (*at, str(key.value)), seen)
        case yaml.SequenceNode(value=values):
            for index, value in enumerate(values):
                yield path_of(*at, index), value.start_mark.line
                yield from _lines(value, (*at, index), seen)
