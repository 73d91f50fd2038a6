"""Judges all objects together, as the programs would. Pure.

Strict: a field that does not exist is an error. What refers to nothing is a warning, since that may lie elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence

from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.parse import UnknownFields
from bgp_config.problem import path_of
from bgp_config.store import ConfigStore
from herald.lint.finding import Finding, Severity
from herald.lint.read import LocatedObject

_REFERENCES = {
    ConfigKind.ADDRESS_POOL: "pools",
    ConfigKind.BGP_PEER: "peers",
    ConfigKind.COMMUNITY: "communities",
    ConfigKind.BFD_PROFILE: "bfdProfile",
}
"""The field that names objects of a kind."""


def check(objects: Sequence[LocatedObject]) -> Iterator[Finding]:
    """Everything that is wrong with objects that could be read."""
    first: dict[ConfigKey, LocatedObject] = {}
    for each in objects:
        if each.key in first:
            yield _defined_twice(each, first[each.key])
        first.setdefault(each.key, each)
    store = ConfigStore(UnknownFields.ERROR)
    for each in first.values():
        store.upsert(each.key.kind, each.key.name, created=None, generation=0, spec=each.spec)
    for key, verdict in store.verdicts.items():
        for problem in verdict.problems:
            yield _finding(first[key], problem.path, problem.message, problem.hint)
        for absent in verdict.pending:
            if absent not in first:
                yield _refers_to_nothing(first[key], absent)


def _defined_twice(each: LocatedObject, other: LocatedObject) -> Finding:
    where = f"{other.place.file}:{other.place.line_of('')}"
    return _finding(each, "metadata.name", f"{each.key} is defined already, at {where}", "Remove one of the two.")


def _refers_to_nothing(each: LocatedObject, absent: ConfigKey) -> Finding:
    message = f"{absent} is not among these files"
    hint = f"Add it, or ignore this if it is kept elsewhere: the {each.key.kind} waits for it."
    return _finding(each, _path_of_reference(each.spec, absent), message, hint, Severity.WARNING)


def _path_of_reference(spec: Mapping[str, object], absent: ConfigKey) -> str:
    field = _REFERENCES[absent.kind]
    names = spec[field]
    return path_of("spec", field, names.index(absent.name)) if isinstance(names, list) else path_of("spec", field)


def _finding(each: LocatedObject, path: str, message: str, hint: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        file=each.place.file,
        document=each.place.document,
        line=each.place.line_of(path),
        object=str(each.key),
        path=path,
        message=message,
        hint=hint,
        severity=severity,
    )
