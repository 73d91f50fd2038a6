"""`herald lint`: says what is wrong with manifests, with file, document, line, path and what to do.

Exit code 0: nothing, or warnings only; 1: errors; 2: something could not be read, or wrong flags.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from herald.cli.values import one_of
from herald.kube.directory.folder import Folder, FolderLostError
from herald.kube.directory.manifest import Place
from herald.lint.check import check
from herald.lint.finding import Finding, Severity
from herald.lint.read import LocatedObject, read
from herald.lint.show import Format, show

STDIN = "-"


@dataclass(frozen=True, slots=True)
class _Readable:
    name: str
    content: bytes
    in_folder: bool = False


@dataclass(frozen=True, slots=True)
class _Unreadable:
    name: str
    why: str


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser(
        "lint",
        help="say what is wrong with manifests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="as in: kustomize build . | herald lint -",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder with all below it, or - for stdin")
    parser.add_argument("--format", type=one_of(Format), choices=list(Format), default=Format.TEXT, help="(default: text)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    objects: list[LocatedObject] = []
    findings: list[Finding] = []
    unreadable = False
    for source in _sources(args.paths):
        match source:
            case _Unreadable(name, why):
                print(f"herald lint: {name}: {why}", file=sys.stderr)
                unreadable = True
            case _Readable(name, content, in_folder):
                readings = list(read(name, content, in_folder=in_folder))
                objects += [each for each in readings if isinstance(each, LocatedObject)]
                findings += [each for each in readings if isinstance(each, Finding)]
    findings += check(objects)
    findings.sort(key=lambda finding: (finding.file, finding.line or 0))
    print(show(findings, args.format), end="")
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    print(f"herald lint: objects: {len(objects)}; errors: {errors}; warnings: {len(findings) - errors}", file=sys.stderr)
    return 2 if unreadable else 1 if errors else 0


def _sources(paths: Iterable[str]) -> Iterator[_Readable | _Unreadable]:
    for path in paths:
        if path == STDIN:
            yield _Readable("<stdin>", sys.stdin.buffer.read())
        elif Path(path).is_dir():
            yield from _folder(Path(path))
        else:
            yield _file(Path(path))


def _folder(root: Path) -> Iterator[_Readable | _Unreadable]:
    """The files that a program with --manifests would read there."""
    try:
        found = Folder(root, Place.MANIFESTS).walk(root)
    except FolderLostError as error:
        yield _Unreadable(str(root), str(error))
        return
    yield from (_Unreadable(str(path), why) for path, why in found.unreadable.items())
    yield from (_file(path, in_folder=True) for path in sorted(found.files))


def _file(path: Path, *, in_folder: bool = False) -> _Readable | _Unreadable:
    try:
        return _Readable(str(path), path.read_bytes(), in_folder)
    except OSError as error:
        return _Unreadable(str(path), f"cannot be read: {error.strerror}")
