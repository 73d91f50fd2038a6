"""What mkdocs is told beyond mkdocs.yml: a page may link to a file of the checkout, which is then part of the site."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\((?P<path>(?:\.\./)+[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_FOLDER = "files"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds every file of the checkout that some page links to."""
    wanted = {path for page in files.documentation_pages() for path in _outside(page.src_uri, page.content_string, config)}
    for path in sorted(wanted):
        files.append(File.generated(config, _on_site(path), abs_src_path=str(_checkout(config) / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 -- by name
    """Links such a file where it is on the site."""
    here = page.file.src_uri
    up = "../" * (len(PurePosixPath(here).parts) - 1)

    def on_site(link: re.Match[str]) -> str:
        path = _target(here, link["path"])
        return link[0] if path is None else f"]({up}{_on_site(path)}{link['anchor'] or ''})"

    return _LINK.sub(on_site, markdown)


def _outside(here: str, markdown: str, config: MkDocsConfig) -> Iterator[str]:
    for link in _LINK.finditer(markdown):
        path = _target(here, link["path"])
        if path is not None and (_checkout(config) / path).is_file():
            yield path


def _target(here: str, link: str) -> str | None:
    """The path in the checkout; None if it is below docs/."""
    path = normpath(str(PurePosixPath("docs", here).parent / link))
    return None if path.startswith(("docs/", "..")) else path


def _on_site(path: str) -> str:
    """No Markdown there: it would be a page, whose own links lead nowhere on the site."""
    return f"{_FOLDER}/{path}" if not path.endswith(".md") else f"{_FOLDER}/{path}.txt"


def _checkout(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent
