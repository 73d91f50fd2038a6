"""A module whose docstring says that it is pure imports nothing that knows the time, the system or the cluster."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ["bgp_config", "controller", "herald", "scripts", "speaker"]
IMPURE = {"asyncio", "kubernetes", "logging", "os", "prometheus_client", "pyroute2", "socket", "time"}
SAYS_PURE = re.compile(r"(?:^|[.:;]\s+)Pure\b")
"""At the beginning of a sentence."""


def pure_modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            if SAYS_PURE.search(ast.get_docstring(ast.parse(path.read_text())) or ""):
                yield path.relative_to(CHECKOUT)


def imported(source: str) -> Iterator[str]:
    """The top-level packages, wherever in the module they are imported."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


PURE = list(pure_modules())


def test_modules_that_say_so_are_found() -> None:
    assert len(PURE) > 50
    assert Path("speaker/decide.py") in PURE


@pytest.mark.parametrize("path", PURE, ids=str)
def test_a_module_that_says_it_is_pure_is(path: Path) -> None:
    assert IMPURE.isdisjoint(imported((CHECKOUT / path).read_text()))


def test_an_import_is_seen_wherever_it_is() -> None:
    assert {*imported("import os.path as p\ndef f():\n    from time import sleep\nfrom . import socket")} == {"os", "time"}
