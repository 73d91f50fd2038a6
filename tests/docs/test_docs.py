"""The documentation builds strictly and offline, what is generated is current, and what it shows is true."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from herald.cli.main import WORDS
from herald.lab.frr import bfdd_config, bgpd_config, zebra_config
from herald.lint.check import check
from herald.lint.finding import Finding
from herald.lint.read import read
from scripts.docs import routers
from scripts.docs.pages import CHECKOUT, DOCS, pages
from tests.docs.blocks import Block, blocks

PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [page for page in PAGES if str(page.relative_to(DOCS)) not in pages()]
"""By people."""
SOCKETS_CLOSED = """\
import socket, sys
def refuse(*_):
    raise OSError("the build of the documentation asks the network")
socket.getaddrinfo = socket.socket.connect = refuse
from mkdocs.__main__ import cli
sys.exit(cli(["build", "--strict", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly, by a process that cannot ask the network."""
    built = tmp_path_factory.mktemp("site")
    done = build(CHECKOUT / "mkdocs.yml", built)
    assert done.returncode == 0, done.stderr
    return built


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", SOCKETS_CLOSED, "--config-file", str(config), "--site-dir", str(site)]
    return subprocess.run(argv, cwd=config.parent, check=False, capture_output=True, text=True, timeout=60)


def test_the_site_is_built_strictly_without_the_network(site: Path) -> None:
    for page in PAGES:
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file()


def test_a_link_to_a_chapter_that_is_not_there_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# One\n\n[There](#one) and [not there](#two).\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nvalidation: {links: {anchors: warn}}\n")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "'#two'" in done.stderr
    assert "'#one'" not in done.stderr


def test_a_reader_of_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]+src="?(https?:)?//|<link[^>]+rel="?(?:stylesheet|preconnect|icon)[^>]+//'
    )
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text()), page


def test_generated_pages_are_current() -> None:
    stale = [name for name, text in pages().items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    assert stale == [], "run: .venv/bin/python -m scripts.docs"


def test_nothing_is_left_of_pages_that_are_not_generated_any_more() -> None:
    there = {str(path.relative_to(DOCS)) for folder in ("reference", "images") for path in (DOCS / folder).iterdir()}
    assert there == set(pages())


def shown(language: str) -> list[Any]:
    """As parameters of a test."""
    found = [(page, block) for page in [*WRITTEN, CHECKOUT / "README.md"] for block in blocks(page.read_text())]
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for number, (page, block) in enumerate(found)
        if block.language == language
    ]


def is_objects(block: Block) -> bool:
    return "apiVersion:" in block.text


@pytest.mark.parametrize("block", shown("yaml"))
def test_yaml_that_is_shown_is_yaml_and_objects_have_nothing_wrong(block: Block) -> None:
    assert list(yaml.safe_load_all(block.text))
    if is_objects(block):
        readings = list(read("page", block.text.encode()))
        findings = [each for each in readings if isinstance(each, Finding)]
        objects = [each for each in readings if not isinstance(each, Finding)]
        errors = [each for each in [*findings, *check(objects)] if each.severity.value == "error"]
        assert errors == []


def commands(text: str) -> Iterator[list[str]]:
    """All calls of `herald` that a line shows: behind a prompt, in a unit file, or between backticks."""
    for line in text.splitlines():
        for call in re.findall(r"(?:^\$ |^\$ \./run |ExecStart=/opt/herald/bin/|`)(herald [a-z][^`<]*)", line):
            words = shlex.split(call.strip())
            if words[1] in WORDS:
                yield words[1:]


def innermost(parser: argparse.ArgumentParser, argv: list[str]) -> argparse.ArgumentParser:
    """The parser of the word's last sub-word: of `chaos` in `lab chaos`."""
    for action in parser._actions:
        if argv and isinstance(action, argparse._SubParsersAction) and argv[0] in action.choices:
            return innermost(action.choices[argv[0]], argv[1:])
    return parser


@pytest.mark.parametrize("page", [*WRITTEN, CHECKOUT / "README.md", CHECKOUT / "SECURITY.md"], ids=lambda page: page.stem)
def test_every_command_of_herald_that_is_shown_is_one(page: Path) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    words = parser.add_subparsers()
    for word in WORDS:
        import_module(f"herald.cli.{word}").add_parser(words)
    for argv in commands(page.read_text()):
        known = innermost(words.choices[argv[0]], argv[1:])
        flags = {flag for action in known._actions for flag in action.option_strings}
        assert {word.partition("=")[0] for word in argv if word.startswith("--")} <= flags, argv


def run_by_labs() -> set[str]:
    """Every line that a router of the lab reads, in some network."""
    topologies = routers.topologies()
    configs = [
        config(router, topology)
        for topology in topologies
        for router in topology.routers
        for config in (bgpd_config, zebra_config, bfdd_config)
    ]
    return {line for config in configs if config for line in config.splitlines()}


@pytest.mark.parametrize("block", shown("frr"))
def test_every_line_for_a_router_is_one_that_the_labs_routers_run(block: Block) -> None:
    assert set(block.text.splitlines()) <= run_by_labs()


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_every_flag_and_reason_that_a_page_names_exists(page: Path) -> None:
    """In backticks; a reason is a word in lower camel case in the first cell of a table."""
    reasons = (DOCS / "reference" / "reasons.md").read_text()
    for row in re.findall(r"^\|(.*?)\|", page.read_text(), re.MULTILINE):
        for word in re.findall(r"`(no[A-Z]\w+|not[A-Z]\w+|requested[A-Z]\w+|\w+Exhausted|\w+Pending|\w+Limit)`", row):
            assert f"`{word}`" in reasons, word
